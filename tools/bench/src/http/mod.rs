//! A raw HTTP/1.1 client: a request is rendered once and sent as bytes, so that the generator costs little beside the
//! server.

mod connection;
mod request;
mod response;

pub use connection::Connection;
pub use request::{bearer, delete, get, post};
pub use response::{MalformedResponse, Response, parse};
