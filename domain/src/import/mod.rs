//! Devices from a file (`docs/protocol.md`, bulk import): what each of its lines asks for.
//!
//! [`Table`] reads the file, [`Column`] says what a column means, [`ImportPlan`] makes a device, or the reason why there
//! is none, of every line. Who carries it out asks [`crate::claims::Claims`] for each device.

mod column;
mod plan;
mod table;
mod value;

pub use column::Column;
pub use plan::{ImportPlan, ImportedDevice, LineError, PlannedLine};
pub use table::{Delimiter, Record, Table, UnreadableTable};
pub use value::typed;
