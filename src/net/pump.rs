use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    FilmEvent, FilmOrder, LineId, PIECE_BYTES_MAX, call, codec::MESSAGE_BYTES_MAX, line::Line, line::LineOrder, lock, net::Shared,
};

/// Passes swarm's orders to the lines; never waits for one of them.
pub(super) async fn pump_orders(shared: Arc<Shared>, mut orders: mpsc::Receiver<FilmOrder>) {
    while let Some(order) = orders.recv().await {
        match order {
            FilmOrder::Connect { peer } => drop(tokio::spawn(call::connect(Arc::clone(&shared), peer))),
            FilmOrder::Message { bytes, .. } if bytes.len() > MESSAGE_BYTES_MAX => {
                tracing::error!(bytes = bytes.len(), "a film message is too large and was not sent");
            }
            FilmOrder::Message { line, bytes } => {
                if let Some(line) = find(&shared, line) {
                    line.message(bytes);
                }
            }
            FilmOrder::Piece { line: id, request, priority, bytes } => {
                let Some(line) = find(&shared, id) else { continue };
                let fits = bytes.len() <= PIECE_BYTES_MAX;
                if !fits || line.order(LineOrder::Piece { request, priority, bytes }).is_err() {
                    tracing::warn!(line = id.0, request, fits, "a piece was not sent");
                    shared.tell_film(FilmEvent::Sent { line: id, request }).await;
                }
            }
            FilmOrder::Cancel { line, request } => {
                if let Some(line) = find(&shared, line)
                    && line.order(LineOrder::Cancel { request }).is_err()
                {
                    tracing::warn!(?line, request, "a piece was not cancelled");
                }
            }
            FilmOrder::Blame { line, reason } => {
                if let Some(line) = find(&shared, line) {
                    line.blame(&reason);
                }
            }
        }
    }
    shared.set_film_gone();
}

fn find(shared: &Shared, line: LineId) -> Option<Line> {
    lock(&shared.state).book.line(line).cloned()
}
