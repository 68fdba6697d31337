//! One connection that sends a request, waits for the answer, and sends the next.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; a fault shows in the request that it breaks.
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Gets and reads the whole answer.
    pub(crate) async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), Failure> {
        let request = Request::get(path).header("host", "localhost").body(Full::default())?;
        self.send(request).await
    }

    /// Gets with a token and reads the whole answer.
    pub(crate) async fn get_as(&mut self, path: &str, token: &str) -> Result<(StatusCode, Bytes), Failure> {
        let request =
            Request::get(path).header("host", "localhost").header("x-authorization", format!("Bearer {token}"));
        self.send(request.body(Full::default())?).await
    }

    /// Posts and reads the whole answer.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: String,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let mut request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("x-authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Full::from(body))?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
