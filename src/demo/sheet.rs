//! What a demo prints when it starts: who may sign in, which devices there are, and what to try.

use std::fmt::Write;

use super::{CUSTOMERS, Claiming, DEVICES, PEOPLE, Role};
use crate::config::ServerUrl;

/// The sheet for a demo that is served at `url`, and whose data is in a database on a `server`, if it has no file of its own.
pub(crate) fn sheet(url: &str, is_loopback_only: bool, server: Option<&ServerUrl>) -> String {
    let mut sheet = "deed demo\n".to_owned();
    // Writing to a text does not fail.
    if let Some(server) = server {
        let _ =
            writeln!(sheet, "\nThese people and devices are in the database {server}, as `database` is configured.");
    }
    sheet.push_str("\nPeople\n");
    let _ = writeln!(sheet, "  {:<28}{:<12}may", "e-mail", "password");
    for person in &PEOPLE {
        let may = match person.role {
            Role::Operator => "run the platform".to_owned(),
            Role::TenantAdmin => "administer the tenant and its devices".to_owned(),
            Role::Auditor => "read the tenant's history".to_owned(),
            Role::CustomerUser(customer) => format!("claim devices for {}", CUSTOMERS[customer]),
        };
        let _ = writeln!(sheet, "  {:<28}{:<12}{may}", person.email, person.password);
    }
    let _ = writeln!(sheet, "\nDevices\n  {:<10}{:<16}claimed with", "name", "token");
    for device in &DEVICES {
        let claimed_with = match device.claiming {
            Claiming::DeviceSide => "a key that the device registers".to_owned(),
            Claiming::ServerSide(key) => format!("the key {key}, set by the tenant"),
            Claiming::NotYet => "nothing yet: claiming is not allowed".to_owned(),
        };
        let _ = writeln!(sheet, "  {:<10}{:<16}{claimed_with}", device.name, device.token);
    }
    let _ = writeln!(sheet, "\nTo try, on a new demo (in one that was used before, devices may have owners):\n");
    sheet.push_str(&commands(url));
    sheet.push_str(if is_loopback_only {
        "\nThis demo answers this machine only; HTTP_BIND_ADDRESS=0.0.0.0 opens it, with passwords that everybody knows.\n"
    } else {
        "\nThis demo answers other machines too, with passwords that everybody knows.\n"
    });
    sheet
}

fn commands(url: &str) -> String {
    format!(
        "  # A customer signs in.
  TOKEN=$(curl -s {url}/api/auth/login -d '{{\"username\":\"customer@thingsboard.org\",\"password\":\"customer\"}}' \\
    | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')

  # A device registers a claim key for ten minutes, and the customer claims the device with it.
  curl -i {url}/api/v1/A1_DEMO_TOKEN/claim -d '{{\"secretKey\":\"MY-KEY\",\"durationMs\":600000}}'
  curl {url}/api/customer/device/Demo-1/claim -H \"Authorization: Bearer $TOKEN\" -d '{{\"secretKey\":\"MY-KEY\"}}'

  # The tenant has set a key for another device.
  curl {url}/api/customer/device/Demo-3/claim -H \"Authorization: Bearer $TOKEN\" -d '{{\"secretKey\":\"DEMO-KEY-3\"}}'

  # The customer gives a device back.
  curl -X DELETE {url}/api/customer/device/Demo-1/claim -H \"Authorization: Bearer $TOKEN\"
"
    )
}
