//! The aggregate as cqrs-es knows it, so that its test framework drives ours and its tools read our log.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};

use crate::{
    codec,
    device::{
        command::DeviceCommand,
        decide::{Facts, decide},
        event::DeviceEvent,
        refusal::Refusal,
        state::Device,
    },
};

/// A command with the facts it is decided on.
#[derive(Clone, Debug)]
pub struct DatedCommand {
    /// What is asked.
    pub command: DeviceCommand,
    /// On what it is decided.
    pub facts: Facts,
}

impl DomainEvent for DeviceEvent {
    fn event_type(&self) -> String {
        codec::event_type(self).to_owned()
    }

    fn event_version(&self) -> String {
        codec::current_version(self).to_owned()
    }
}

impl Aggregate for Device {
    const TYPE: &'static str = codec::AGGREGATE_TYPE;
    type Command = DatedCommand;
    type Event = DeviceEvent;
    type Error = Refusal;
    type Services = ();

    /// A refusal that leaves events is a success here: cqrs-es drops the events of a failed command.
    async fn handle(
        &mut self,
        DatedCommand { command, facts }: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let decision = decide(self, &command, &facts);
        if decision.events.is_empty() {
            return decision.result;
        }
        for event in decision.events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(&event);
    }
}
