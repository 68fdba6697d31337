//! Requests of devices that add themselves.

use deed_transports::device_protocol::{ProvisionRequestError, read_provision_request};
use serde_json::Value;

/// A request to be provisioned: means the same with blanks behind it, and has key and secret.
pub fn provision_request(input: &[u8]) -> bool {
    let read = read_provision_request(input);
    let blanks = read_provision_request(&[input, b" \n"].concat());
    match read {
        Ok(request) => {
            let again = blanks.unwrap_or_else(|error| panic!("blanks mean nothing: {error}"));
            assert_eq!((&again.key, &again.device_name), (&request.key, &request.device_name));
            assert!(again.secret == request.secret && again.credentials == request.credentials);
            let members: Value = serde_json::from_slice(input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input))
                .unwrap_or_else(|error| panic!("it is JSON: {error}"));
            assert!(["provisionDeviceKey", "provisionDeviceSecret"].iter().all(|name| !members[name].is_null()));
            assert_eq!(format!("{:?}", request.secret), "DeviceToken(***)", "nothing is shown");
            true
        }
        Err(error) => {
            let is_empty = error == ProvisionRequestError::Empty;
            assert!(is_empty || blanks.is_err_and(|again| again.is_incomplete() == error.is_incomplete()));
            false
        }
    }
}
