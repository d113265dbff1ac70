use proptest::prelude::*;

use super::{Slot, mailbox, queue, ring};

#[test]
fn the_newest_value_of_a_slot_wins() {
    let slot = Slot::default();
    assert_eq!(slot.put(1), None);
    assert_eq!(slot.clone().put(2), Some(1));
    assert_eq!(slot.take(), Some(2));
    assert_eq!(slot.take(), None);
}

#[test]
fn a_full_queue_gives_the_item_back_and_loses_nothing() {
    let (producer, consumer) = queue(2);
    assert_eq!(producer.push(0, 'a'), Ok(()));
    assert_eq!(producer.push(1, 'b'), Ok(()));
    assert!(!producer.has_room());
    assert_eq!(producer.push(1, 'c'), Err('c'));
    assert!(consumer.pop_if(|first| first.generation == 1).is_none());
    assert_eq!(consumer.pop().map(|first| (first.generation, first.item)), Some((0, 'a')));
    assert_eq!(consumer.pop().map(|first| first.item), Some('b'));
    assert!(consumer.is_empty() && !producer.is_abandoned());
    drop(consumer);
    assert!(producer.is_abandoned());
}

#[test]
fn a_full_or_closed_mailbox_gives_the_message_back() {
    let (sender, receiver) = mailbox(1);
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(sender.clone().send(2), Err(2));
    assert_eq!(receiver.receive(), Some(1));
    assert!(!receiver.is_finished());
    drop(receiver);
    assert_eq!(sender.send(3), Err(3));
}

#[test]
fn a_mailbox_is_finished_when_its_senders_are_gone_and_it_was_read() {
    let (sender, receiver) = mailbox(4);
    assert_eq!(sender.send(1), Ok(()));
    drop(sender);
    assert!(!receiver.is_finished());
    assert_eq!(receiver.receive(), Some(1));
    assert!(receiver.is_finished());
}

proptest! {
    #[test]
    fn samples_leave_the_ring_in_order_and_none_is_invented(steps in prop::collection::vec((0usize..40, 0usize..40), 1..50)) {
        let (mut producer, mut consumer) = ring(32);
        let (mut sent, mut received) = (0u16, 0u16);
        for (push, pop) in steps {
            let frames: Vec<_> = (0..push).map(|i| [f32::from(sent) + i as f32, 0.0]).collect();
            let pushed = producer.push(&frames);
            prop_assert!(pushed == push || producer.room_frames() == 0);
            sent += u16::try_from(pushed).unwrap();
            for _ in 0..pop {
                let Some(frame) = consumer.pop() else { break };
                prop_assert_eq!(frame[0], f32::from(received));
                received += 1;
            }
            prop_assert_eq!(consumer.available_frames(), usize::from(sent - received));
        }
        producer.end();
        prop_assert!(consumer.is_ended());
        prop_assert_eq!(consumer.discard(100), usize::from(sent - received));
    }
}
