//! Users (`docs/protocol.md`, users).

pub(crate) mod activation_link;
pub(crate) mod delete;
mod draft;
pub(crate) mod list;
pub(crate) mod list_infos;
pub(crate) mod list_of_customer;
pub(crate) mod list_of_tenant;
pub(crate) mod read;
pub(crate) mod save;
pub(crate) mod send_activation_mail;
pub(crate) mod set_enabled;

use deed_domain::ports::{ListedUser, UserSort};

use crate::{extract::SortProperty, wire::UserJson};

impl SortProperty for UserSort {
    const CREATION: Self = Self::Creation;

    fn named(name: &str) -> Option<Self> {
        match name {
            "createdTime" => Some(Self::Creation),
            "email" | "name" => Some(Self::Email),
            "firstName" => Some(Self::FirstName),
            "lastName" => Some(Self::LastName),
            "authority" => Some(Self::Authority),
            _ => None,
        }
    }
}

fn row(listed: ListedUser) -> UserJson {
    listed.user.into()
}
