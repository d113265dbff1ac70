use std::{sync::Arc, time::Duration};

use iroh::{
    Endpoint, RelayMode, RelayUrl, SecretKey,
    endpoint::{IdleTimeout, PortmapperConfig, QuicTransportConfig, VarInt, presets},
};
use noq_proto::congestion::Bbr3Config;

use super::{PIECE_BYTES_MAX, cap::Capped};

/// Opens this machine's endpoint on all interfaces, IPv4 and, where there is any, IPv6.
pub(super) async fn bind(key: SecretKey, relay: &Relay, upload_limit_bytes_per_s: Option<u64>) -> Result<Endpoint, NetError> {
    let builder = match relay {
        Relay::None => Endpoint::builder(presets::Minimal).portmapper_config(PortmapperConfig::Disabled),
        Relay::Default => Endpoint::builder(presets::N0),
        Relay::Url(url) => {
            let url: RelayUrl = url.parse().map_err(|_not_a_url| NetError::Relay { url: url.clone() })?;
            Endpoint::builder(presets::Minimal).relay_mode(RelayMode::custom([url]))
        }
    };
    let builder = builder.secret_key(key).alpns(vec![ALPN.to_vec()]).transport_config(transport(upload_limit_bytes_per_s));
    builder.bind().await.map_err(|error| NetError::Bind { why: error.to_string() })
}

/// The settings that were measured.
fn transport(upload_limit_bytes_per_s: Option<u64>) -> QuicTransportConfig {
    let builder = QuicTransportConfig::builder()
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .keep_alive_interval(KEEP_ALIVE)
        .default_path_max_idle_timeout(Duration::from_millis(IDLE_MS.into()))
        .default_path_keep_alive_interval(KEEP_ALIVE)
        .datagram_send_buffer_size(64 * 1024)
        .datagram_receive_buffer_size(Some(256 * 1024))
        // Before the greeting there is one stream, for it; others are allowed when it is done.
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        // Must hold all that may be under way, or the urgent waits for what is not.
        .send_window(CONNECTION_WINDOW_BYTES.into());
    match upload_limit_bytes_per_s {
        Some(limit) => builder.congestion_controller_factory(Arc::new(Capped::new(limit))),
        None => builder.congestion_controller_factory(Arc::new(bbr3())),
    }
    .build()
}

/// A film's first piece need not wait for the way to be measured: what a page from a large web site sends at once (Chromium's QUIC does), paced over a round trip.
pub(super) fn bbr3() -> Bbr3Config {
    let mut config = Bbr3Config::default();
    config.initial_window(INITIAL_WINDOW_BYTES);
    config
}

/// Relays carry what cannot go from machine to machine, and help to find the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relay {
    /// None, and nothing outside is asked: no DNS, no lookup service, no router.
    None,
    /// iroh's public ones; this machine's address is published with iroh's lookup service.
    Default,
    /// This one alone.
    Url(String),
}

/// Why the network cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// No socket.
    #[error("No network socket could be opened ({why}). Other people cannot be reached until it can; films still play here.")]
    Bind {
        /// What the system says.
        why: String,
    },
    /// The relay is no URL.
    #[error("The relay “{url}” in the settings is not a web address; it should look like https://relay.example/.")]
    Relay {
        /// What is set.
        url: String,
    },
}

/// Names the protocol; the greeting holds the exact version.
pub(super) const ALPN: &[u8] = b"houselights/1";
/// Pieces that one end may have under way to the other.
pub(super) const PIECES_MAX: usize = 64;
/// And the messages, and a few that are refused politely.
pub(super) const STREAMS_MAX: u32 = PIECES_MAX as u32 + 8;

const INITIAL_WINDOW_BYTES: u64 = 32 * 1200;
const IDLE_MS: u32 = 4_000;
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// A piece and its head, so that its last bytes need not wait for the first ones to be read.
const STREAM_WINDOW_BYTES: u32 = PIECE_BYTES_MAX as u32 + 1024;
const CONNECTION_WINDOW_BYTES: u32 = (STREAMS_MAX + 8) * STREAM_WINDOW_BYTES;
