use super::{
    Event,
    disk::{self, Job as DiskJob},
    message::Gone,
    present::Changed,
    serve::{self, Job as ServeJob},
    watch::Watched,
    worker::Worker,
};

/// What the threads that wait for disks are given and bring back.
impl Worker {
    pub(super) fn served(&mut self, serve::Done { film, index, piece }: serve::Done) {
        self.reading -= 1;
        let Some(presented) = self.presented.get_mut(&film) else { return };
        let sentence = match piece {
            Ok((bytes, hash)) => match presented.was_read(index, bytes, hash) {
                Ok(()) => return,
                Err(Changed) => serve::Unreadable::Changed.to_string(),
            },
            Err(unreadable) => unreadable.to_string(),
        };
        self.unpresent(film, Gone::Unreadable);
        self.tell(Event::Failed { film, sentence });
    }

    pub(super) fn send_pieces(&mut self) {
        for presented in self.presented.values_mut() {
            self.outbox.extend(presented.send(&*self.keys));
        }
    }

    pub(super) fn read_pieces(&mut self) {
        for (film, presented) in &mut self.presented {
            while self.reading < READING_MAX {
                self.turn += 1;
                let Some(index) = presented.next_read(self.turn) else { break };
                self.reading += 1;
                self.serve.push(ServeJob::Read { film: *film, index });
            }
        }
        self.serve.flush();
    }

    pub(super) fn write_pieces(&mut self) {
        for watched in self.watched.values_mut() {
            while self.writing < WRITING_MAX && !self.has_disk_failed {
                let Some((index, stored, bytes)) = watched.next_write() else { break };
                self.writing += 1;
                self.disk.push(DiskJob::Write { key: watched.key, index, stored, bytes });
            }
        }
        self.disk.flush();
    }

    pub(super) fn stored(&mut self, disk::Done { key, index, stored, result }: disk::Done) {
        self.writing -= 1;
        if let Some(watched) = self.watched.values().find(|watched| watched.key == key) {
            let mut state = watched.feed.lock();
            if let Some(cache) = &mut state.cache {
                cache.written(index, stored, result.is_ok());
            }
            if let Ok(path) = &result {
                state.file = Some(path.clone());
            }
        }
        match result {
            Ok(_) => {}
            Err(_) if self.has_disk_failed => {}
            Err(error) => {
                self.has_disk_failed = true;
                self.watched.values().for_each(Watched::end_writing);
                let sentence = format!(
                    "The film cache cannot be written ({error}), so little of a film is kept. Make room on the disk or choose another folder for it."
                );
                self.tell(Event::Problem { sentence });
            }
        }
    }
}

/// What hurries waits behind no more reads than these.
const READING_MAX: usize = 4;
const WRITING_MAX: usize = 16;
