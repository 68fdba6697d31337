//! `--demo`: the ordinary server on a database of its own, seeded once with people and devices to try it with.

mod seed;
mod sheet;

pub(crate) use seed::{SeedError, is_demo, seed};
pub(crate) use sheet::sheet;

/// A person of the demo.
struct Person {
    email: &'static str,
    password: &'static str,
    role: Role,
}

/// What a person of the demo is.
#[derive(Clone, Copy)]
enum Role {
    Operator,
    TenantAdmin,
    Auditor,
    /// A user of the customer with that place in [`CUSTOMERS`].
    CustomerUser(usize),
}

/// The last one is added when all else is there: whoever finds it need not seed again.
const PEOPLE: [Person; 5] = [
    Person { email: "tenant@thingsboard.org", password: "tenant", role: Role::TenantAdmin },
    Person { email: "customer@thingsboard.org", password: "customer", role: Role::CustomerUser(0) },
    Person { email: "customerB@thingsboard.org", password: "customer", role: Role::CustomerUser(1) },
    Person { email: "auditor@thingsboard.org", password: "auditor", role: Role::Auditor },
    Person { email: "sysadmin@thingsboard.org", password: "sysadmin", role: Role::Operator },
];

const TENANT: &str = "Demo Tenant";
const CUSTOMERS: [&str; 2] = ["Customer A", "Customer B"];

/// A device of the demo.
struct DemoDevice {
    name: &'static str,
    token: &'static str,
    claiming: Claiming,
}

/// How a device of the demo can be claimed.
enum Claiming {
    /// With a key that it registers itself: `claimingAllowed` is set.
    DeviceSide,
    /// With this key, which an administrator has set.
    ServerSide(&'static str),
    /// Not at all yet.
    NotYet,
}

const DEVICES: [DemoDevice; 5] = [
    DemoDevice { name: "Demo-1", token: "A1_DEMO_TOKEN", claiming: Claiming::DeviceSide },
    DemoDevice { name: "Demo-2", token: "A2_DEMO_TOKEN", claiming: Claiming::DeviceSide },
    DemoDevice { name: "Demo-3", token: "A3_DEMO_TOKEN", claiming: Claiming::ServerSide("DEMO-KEY-3") },
    DemoDevice { name: "Demo-4", token: "A4_DEMO_TOKEN", claiming: Claiming::ServerSide("DEMO-KEY-4") },
    DemoDevice { name: "Demo-5", token: "A5_DEMO_TOKEN", claiming: Claiming::NotYet },
];
