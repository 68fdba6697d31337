//! Labels for devices: a QR code that leads to the page on which a device is claimed, and beside it the same in clear text.
//!
//! Pure: it draws what it is given, and knows neither the domain nor where the result goes.

#![forbid(unsafe_code)]
