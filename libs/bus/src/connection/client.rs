use std::{
    future::Future,
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, ErrorKind, Event, options::ConfirmSelectOptions,
    protocol::AMQPErrorKind,
};
use tls::{ClientTls, TlsFiles};

use super::runtime::{FilteredStream, filtering_runtime};
use crate::{AmqpUrl, Error};

/// Bounds a connection attempt and the declaration of the queues. The first service at a starting broker needs long.
const BROKER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bounds the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The purpose of a connection, which determines its frame size. The broker blocks a connection that publishes while it
/// lacks memory or disk space, so one that acknowledges must not publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Publishing, and receiving at most what was published.
    Publishing,
    /// Receiving, without publishing.
    Receiving,
}

impl Purpose {
    /// Returns the maximum frame size in bytes, unless the URL sets it.
    ///
    /// The headers of a message are one frame, and any publisher may use the broker's maximum. Headers that are larger than
    /// negotiated cannot be read. lapin keeps two buffers of 32 frames for each connection, so connections that receive only
    /// our own messages have smaller frames: 8 KiB, the least that RabbitMQ 4 accepts.
    const fn frame_bytes(self) -> u32 {
        match self {
            Self::Publishing => 8 * 1024,
            // RabbitMQ's default (<https://www.rabbitmq.com/docs/configure>, `frame_max`).
            Self::Receiving => 128 * 1024,
        }
    }
}

/// Connects under a name that the broker displays.
///
/// Opens the stream itself. lapin 4.12 opens it in a thread of its own, and loses an error that occurs between two steps of its
/// `start`: then nothing ends the attempt (9 of 96,000 refused connections on a busy machine).
///
/// A peer that accepts the connection and then sends no AMQP costs one sleeping thread for each attempt, until it closes
/// the connection: lapin's handshake cannot be interrupted.
pub(crate) async fn connect(url: &AmqpUrl, name: &str, purpose: Purpose) -> Result<Connection, Error> {
    let connecting = tokio::time::timeout(BROKER_TIMEOUT, connect_without_limit(url, name, purpose));
    let reason = match connecting.await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(reason)) => reason,
        Err(_) => format!("no response within {} s", BROKER_TIMEOUT.as_secs()),
    };
    Err(Error::Unreachable {
        url: url.to_string(),
        reason,
    })
}

/// Connects, however long it takes. The error is the reason.
async fn connect_without_limit(url: &AmqpUrl, name: &str, purpose: Purpose) -> Result<Connection, String> {
    let encryption = match url.tls() {
        None => None,
        Some((name, Some(tls))) => Some((name, tls)),
        Some((name, None)) => {
            let tls = ClientTls::load(&TlsFiles::default()).map_err(|error| error.to_string())?;
            Some((name, tls))
        }
    };
    let mut uri = url.uri();
    let frame_max = *uri.query.frame_max.get_or_insert(purpose.frame_bytes());
    let address = (&*uri.authority.host, uri.authority.port);
    let stream = FilteredStream::open(address, encryption, frame_max)
        .await
        .map_err(|error| reason_of(&error, url.has_tls()))?;

    let opened = Mutex::new(Some(AsyncTcpStream::Plain(stream)));
    let stream = async move |_, _| {
        let stream = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
    };
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    Connection::connector(uri, filtering_runtime(), stream, properties)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::IOError(error) => reason_of(error, url.has_tls()),
            _ => error.to_string(),
        })
}

fn reason_of(error: &io::Error, has_tls: bool) -> String {
    // With TLS 1.3 a client sends before its certificate is verified, so a reset may overtake the reason.
    let is_cut_off = matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    );
    match tls::describe(error) {
        Some(reason) => reason,
        None if has_tls && is_cut_off => format!("{error}; it may require another client certificate"),
        None => error.to_string(),
    }
}

/// Opens a channel with publisher confirms.
pub(crate) async fn confirming_channel(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Fails with [`Error::Timeout`] if the broker does not respond.
pub(crate) async fn with_timeout<T>(operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(BROKER_TIMEOUT, operation)
        .await
        .unwrap_or(Err(Error::Timeout(BROKER_TIMEOUT.as_secs())))
}

/// Resolves when the connection is lost. Call it before the first operation, so that no loss is missed.
///
/// `blocked` is called with the reason when the broker blocks the connection, and with `None` when it accepts messages again.
pub(crate) fn connection_loss(
    connection: &Connection,
    blocked: impl Fn(Option<String>),
) -> impl Future<Output = Error> {
    let mut events = Box::pin(connection.events_listener());
    async move {
        while let Some(event) = events.next().await {
            match event {
                // The broker has closed one channel: its user gets the same error.
                Event::Error(error) if is_of_a_channel(&error) => {}
                Event::Error(error) => return error.into(),
                Event::ConnectionBlocked(reason) => {
                    tracing::warn!(reason, "broker blocks publishing, events stay in the outbox");
                    blocked(Some(reason));
                }
                Event::ConnectionUnblocked => {
                    tracing::info!("broker accepts messages again");
                    blocked(None);
                }
                _ => {}
            }
        }
        Error::Closed("the connection".to_owned())
    }
}

fn is_of_a_channel(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if matches!(error.kind(), AMQPErrorKind::Soft(_)))
}

/// Closes the connection, so that the broker does not log a lost client.
pub(crate) async fn close(connection: &Connection) {
    /// AMQP 0-9-1: reply-success.
    const SUCCESS: u16 = 200;
    let closing = connection.close(SUCCESS, "bye".into());
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
}
