//! `own-projection` prints what became of the claim keys; `own-projection DEVICE-ID` prints how one device stands. The database is
//! named by `DATABASE_URL`, as other users of the machine can read command lines.

use std::{env, error::Error, process::ExitCode};

use cqrs_es::View;
use deed_domain::device::Device;
use own_projection::{log, outcomes::KeyOutcomes};
use sqlx::PgPool;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("own-projection: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let database = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL names no database")?;
    let pool = PgPool::connect(&database).await?;
    let Some(device) = env::args().nth(1) else {
        let mut outcomes = KeyOutcomes::default();
        let position = log::read_after(&pool, 0, |event| outcomes.update(event)).await?;
        print!("{outcomes}");
        println!("up to position {position}");
        return Ok(());
    };
    let (device, events) = log::device(&pool, &device).await?;
    match device {
        Device::Unregistered => return Err("no device has that id".into()),
        Device::Removed => println!("removed"),
        Device::Registered(device) => {
            let owner =
                device.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| owner.customer_id.to_string());
            println!("{:?}, owned by {owner}, {} active keys", device.name, device.keys.len());
        }
    }
    println!("after {events} events");
    Ok(())
}
