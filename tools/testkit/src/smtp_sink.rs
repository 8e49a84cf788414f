use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// An SMTP server that stores what it receives, and fails as a test requires.
#[derive(Debug)]
pub struct SmtpSink {
    /// The address at which it listens.
    pub address: SocketAddr,
    mails: watch::Receiver<Vec<ReceivedMail>>,
    faults: Arc<Mutex<VecDeque<SmtpFault>>>,
    _accepting: AbortOnDropHandle<()>,
}

/// A mail that was received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceivedMail {
    /// The addresses of its envelope.
    pub recipients: Vec<String>,
    /// Headers and body, with the lines as they were sent.
    pub data: String,
    /// Whether the client got a positive reply: it may repeat others.
    pub is_acknowledged: bool,
}

/// How the next mail, or the next connection, fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SmtpFault {
    /// The greeting of the next connection, such as `421 busy` or `554 no service`.
    Greeting(&'static str),
    /// The reply to the recipient of the next mail, such as `451 later` or `550 no such mailbox`.
    Recipient(&'static str),
    /// The reply to the content of the next mail.
    Content(&'static str),
    /// The next mail is stored, and the connection is closed without a reply.
    DropAfterData,
    /// The next mail is stored, and the reply to its content is sent when the next command arrives.
    LateReply,
    /// The next connection with this command gets no replies from there on; `GREETING` is the beginning of a connection.
    Silence(&'static str),
}

impl ReceivedMail {
    /// Returns the value of a header that is written on one line.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.data.split("\r\n\r\n").next().unwrap_or_default();
        headers
            .split("\r\n")
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl ReceivedMail {
    /// Returns the parts whose encoding is quoted-printable, with their lines joined; `=` is still `=3D`.
    pub fn joined_lines(&self) -> String {
        self.data.replace("=\r\n", "")
    }
}

impl SmtpSink {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (received, mails) = watch::channel(Vec::new());
        let faults = Arc::<Mutex<VecDeque<SmtpFault>>>::default();
        let scripted = Arc::clone(&faults);
        let accepting = TaskTracker::new().spawn(async move {
            let (connections, received) = (TaskTracker::new(), Arc::new(received));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (received, faults) = (Arc::clone(&received), Arc::clone(&scripted));
                // A client that hangs up ends its dialogue.
                connections.spawn(async move { drop(Dialogue::new(stream, received, faults).run().await) });
            }
        });
        Self {
            address,
            mails,
            faults,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    /// Adds a fault, which applies once, after those that were added before.
    pub fn fail_next(&self, fault: SmtpFault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Returns every mail that was received, also those that were not acknowledged.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.mails.borrow().clone()
    }

    /// Waits until `count` mails were received, and returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        let mut mails = self.mails.clone();
        let enough = mails.wait_for(|mails| mails.len() >= count);
        let waited = tokio::time::timeout(crate::test_env::WAIT_TIMEOUT, enough)
            .await
            .is_ok();
        assert!(waited, "timed out with {} mails of {count}", self.mails().len());
        self.mails()
    }
}

struct Dialogue {
    lines: Lines<BufReader<OwnedReadHalf>>,
    replies: OwnedWriteHalf,
    received: Arc<watch::Sender<Vec<ReceivedMail>>>,
    faults: Arc<Mutex<VecDeque<SmtpFault>>>,
    late_reply: Option<&'static str>,
}

impl Dialogue {
    fn new(
        stream: TcpStream,
        received: Arc<watch::Sender<Vec<ReceivedMail>>>,
        faults: Arc<Mutex<VecDeque<SmtpFault>>>,
    ) -> Self {
        let (reader, replies) = stream.into_split();
        Self {
            lines: BufReader::new(reader).lines(),
            replies,
            received,
            faults,
            late_reply: None,
        }
    }

    async fn run(mut self) -> io::Result<()> {
        if self.falls_silent("GREETING") {
            return self.wait_for_end().await;
        }
        let greeting = self.fault(|fault| match fault {
            SmtpFault::Greeting(reply) => Some(*reply),
            _ => None,
        });
        self.reply(greeting.unwrap_or("220 sink")).await?;
        let mut recipients = Vec::new();
        while let Some(line) = self.lines.next_line().await? {
            if let Some(reply) = self.late_reply.take() {
                self.reply(reply).await?;
            }
            let command = line.to_ascii_uppercase();
            if self.falls_silent(&command) {
                return self.wait_for_end().await;
            }
            if command.starts_with("EHLO") {
                self.reply("250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN")
                    .await?;
            } else if command.starts_with("RCPT TO:") {
                let refused = self.fault(|fault| match fault {
                    SmtpFault::Recipient(reply) => Some(*reply),
                    _ => None,
                });
                let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
                recipients.extend(
                    address
                        .map(|(address, _)| address.to_owned())
                        .filter(|_| refused.is_none()),
                );
                self.reply(refused.unwrap_or("250 ok")).await?;
            } else if command == "DATA" {
                self.receive(std::mem::take(&mut recipients)).await?;
            } else if command == "QUIT" {
                return self.reply("221 bye").await;
            } else if command == "RSET" {
                recipients.clear();
                self.reply("250 ok").await?;
            } else if command.starts_with("AUTH") {
                self.reply("535 wrong password").await?;
            } else {
                self.reply("250 ok").await?;
            }
        }
        Ok(())
    }

    /// Receives the content of a mail.
    async fn receive(&mut self, recipients: Vec<String>) -> io::Result<()> {
        self.reply("354 go ahead").await?;
        let mut data = String::new();
        loop {
            let line = self.lines.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line == "." {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        let fault = self.fault(|fault| match fault {
            SmtpFault::Content(_) | SmtpFault::DropAfterData | SmtpFault::LateReply => Some(fault.clone()),
            _ => None,
        });
        let is_refused = matches!(fault, Some(SmtpFault::Content(_)));
        if !is_refused {
            let mail = ReceivedMail {
                recipients,
                data,
                is_acknowledged: fault.is_none(),
            };
            self.received.send_modify(|mails| mails.push(mail));
        }
        match fault {
            Some(SmtpFault::Content(reply)) => self.reply(reply).await,
            Some(SmtpFault::LateReply) => {
                self.late_reply = Some("250 stored");
                Ok(())
            }
            Some(_) => Err(io::ErrorKind::ConnectionAborted.into()),
            None => self.reply("250 stored").await,
        }
    }

    fn falls_silent(&self, command: &str) -> bool {
        let silence = self.fault(|fault| match fault {
            SmtpFault::Silence(from) => command.starts_with(from).then_some(()),
            _ => None,
        });
        silence.is_some()
    }

    async fn wait_for_end(&mut self) -> io::Result<()> {
        while self.lines.next_line().await?.is_some() {}
        Ok(())
    }

    /// Takes the next fault if it is of this kind.
    fn fault<T>(&self, matches: impl FnOnce(&SmtpFault) -> Option<T>) -> Option<T> {
        let mut faults = self.faults.lock().unwrap();
        let fault = faults.front().and_then(matches);
        if fault.is_some() {
            faults.pop_front();
        }
        fault
    }

    async fn reply(&mut self, reply: &str) -> io::Result<()> {
        self.replies.write_all(format!("{reply}\r\n").as_bytes()).await
    }
}
