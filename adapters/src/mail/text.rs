//! What letters say.

use deed_domain::{ports::Message, time::HOUR};

/// Subject and text of a letter to the user of that e-mail.
pub(super) fn of(message: &Message, email: &str) -> (&'static str, String) {
    match message {
        Message::Activation { link, good_for_ms } => (
            "Your account",
            format!(
                "An account was made for you. Your user name is {email}.\n\n\
                 Choose a password with this link:\n{link}\n\n{}\n",
                good_for(*good_for_ms)
            ),
        ),
        Message::Activated => {
            ("Your account is active", format!("Your account is active. Your user name is {email}.\n"))
        }
        Message::PasswordReset { link, good_for_ms } => (
            "Another password",
            format!(
                "Somebody, probably you, asked for another password for the account {email}.\n\n\
                 Choose one with this link:\n{link}\n\n{} \
                 If it was not you, there is nothing to do: your password stays as it is.\n",
                good_for(*good_for_ms)
            ),
        ),
        Message::PasswordChanged => (
            "Your password was changed",
            format!(
                "The password of the account {email} was changed.\n\n\
                 If it was not you, tell whoever administers the service.\n"
            ),
        ),
    }
}

/// In whole hours, rounded down: a promise that is kept. Hardly less than an hour is never left.
fn good_for(milliseconds: i64) -> String {
    match milliseconds / HOUR {
        ..=1 => "It is good for an hour at most.".to_owned(),
        hours => format!("It is good for {hours} hours."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_its_link_on_a_line_of_its_own() {
        let link = "https://deed.example/x?activateToken=T".to_owned();
        for message in [
            Message::Activation { link: link.clone(), good_for_ms: 24 * HOUR },
            Message::PasswordReset { link: link.clone(), good_for_ms: 24 * HOUR },
        ] {
            let (_, text) = of(&message, "anna@example.org");
            assert!(text.lines().any(|line| line == link), "{text}");
            assert!(text.contains("anna@example.org") && text.contains("24 hours"), "{text}");
        }
    }

    #[test]
    fn the_time_that_is_left_is_not_overstated() {
        assert_eq!(good_for(24 * HOUR - 1), "It is good for 23 hours.");
        assert_eq!(good_for(HOUR / 4), "It is good for an hour at most.");
    }
}
