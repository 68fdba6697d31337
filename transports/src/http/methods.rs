//! The methods of a path: those that it names. `HEAD` is none of them, wherever `GET` is: it would say nothing of what a
//! device asks for, and would wait as long.

use axum::{
    handler::Handler,
    http::{Method, StatusCode, header::ALLOW},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};

use super::{DeviceHttp, faulty};

/// The path knows no such method. The text is part of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("Request method '{0}' is not supported")]
struct NotSupported(Method);

/// A path that is read and knows no other method.
pub(super) fn read_only<H, T>(read: H) -> MethodRouter<DeviceHttp>
where
    H: Handler<T, DeviceHttp>,
    T: 'static,
{
    refusing(get(read), "GET")
}

/// A path that is read and posted to and knows no other method.
pub(super) fn read_and_post<R, P, T, U>(read: R, post: P) -> MethodRouter<DeviceHttp>
where
    R: Handler<T, DeviceHttp>,
    P: Handler<U, DeviceHttp>,
    T: 'static,
    U: 'static,
{
    refusing(get(read).post(post), "GET,POST")
}

/// Axum answers `HEAD` by what answers `GET`, and names it among the methods that are allowed, unless it is told otherwise.
fn refusing(methods: MethodRouter<DeviceHttp>, allowed: &'static str) -> MethodRouter<DeviceHttp> {
    let refuse = move |method: Method| async move { refused(method, allowed) };
    methods.head(refuse).fallback(refuse)
}

fn refused(method: Method, allowed: &'static str) -> Response {
    ([(ALLOW, allowed)], faulty(StatusCode::METHOD_NOT_ALLOWED, NotSupported(method))).into_response()
}
