//! A certificate as people paste it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// The base64 of the one certificate in the text, in one line; `None` if there is none, or something else. The text is PEM,
/// whose explanatory text (RFC 7468) means nothing, or the base64 alone; blanks and ends of lines in it do not matter.
pub(crate) fn base64_of(text: &str) -> Option<String> {
    let body = match text.split_once(BEGIN) {
        Some((_, rest)) => rest.split_once(END).filter(|(_, rest)| !rest.contains(BEGIN))?.0,
        None => text,
    };
    let body: String = body.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect();
    is_certificate(&STANDARD.decode(&body).ok()?)?.then_some(body)
}

/// Whether these bytes are what every X.509 certificate is on the outside, and nothing after it: what was signed, how, and
/// the signature (RFC 5280, section 4.1).
fn is_certificate(der: &[u8]) -> Option<bool> {
    let (outer, certificate, after) = element(der)?;
    let (signed, _, rest) = element(certificate)?;
    let (algorithm, _, rest) = element(rest)?;
    let (signature, _, rest) = element(rest)?;
    let tags = [outer, signed, algorithm, signature];
    Some(tags == [SEQUENCE, SEQUENCE, SEQUENCE, BIT_STRING] && after.is_empty() && rest.is_empty())
}

/// The first element in DER: its tag, what is in it, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let digits = match *first {
        0..=0x7f => None,
        long @ 0x81..=0x83 => Some(usize::from(long & 0x7f)),
        _ => return None,
    };
    let (length, rest) = match digits {
        None => (usize::from(*first), rest),
        Some(digits) => {
            let (length, rest) = rest.split_at_checked(digits)?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The smallest that is one on the outside.
    const SMALL: &str = "MAgwADAAAwIAAQ==";

    #[test]
    fn pem_and_base64_are_the_same() {
        let pem = format!("{BEGIN}\r\nMAgwADAA\nAwIAAQ==\r\n{END}\n");
        let explained = format!("Subject: CN = device\nNot Before: today\n{pem}And more\n");
        let one_line = format!("{BEGIN}{SMALL}{END}");
        for text in [SMALL, " MAgwADAA AwIAAQ==\n", &pem, &explained, &one_line] {
            assert_eq!(base64_of(text).as_deref(), Some(SMALL), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        let pem = format!("{BEGIN}\n{SMALL}\n{END}\n");
        let key = pem.replace("CERTIFICATE", "PRIVATE KEY");
        for text in [
            "",
            "garbage!!",
            "garbage",
            BEGIN,
            &format!("{BEGIN}\n{END}"),
            &format!("{BEGIN}\n{SMALL}"),
            &format!("{SMALL}\n{END}"),
            &format!("{pem}{pem}"),
            &key,
            // Two in one, one that is cut off, and one whose last bits say something.
            "MAcwADAAAwEAMAcwADAAAwEA",
            "MAgwADAAAwIA",
            "MAgwADAAAwIAAR==",
            // The hash of a certificate, and a private key on the outside: a number, a sequence, bytes.
            "ad3ebf2357879c8f6fc844dd0249e91333621352c58c3e8bfab49a628510d523",
            "MAcCAQAwAAQA",
        ] {
            assert_eq!(base64_of(text), None, "{text}");
        }
        assert!(base64_of("MAcwADAAAwEA").is_some(), "of which two were one");
    }

    #[test]
    fn long_ones_say_their_length_in_more_bytes() {
        for (length, header) in
            [(0x90, &[0x81, 0x90][..]), (0x1234, &[0x82, 0x12, 0x34]), (0x01_0000, &[0x83, 1, 0, 0])]
        {
            // What was signed is as long as it takes.
            let signed = vec![0; length - 4 - 5];
            let size = u32::try_from(signed.len()).unwrap().to_be_bytes();
            let content = [&[SEQUENCE, 0x83][..], &size[1..], &signed, &[SEQUENCE, 0, BIT_STRING, 0]].concat();
            assert_eq!(content.len(), length);
            let der = [&[SEQUENCE][..], header, &content].concat();
            assert_eq!(is_certificate(&der), Some(true), "{length}");
            assert_ne!(is_certificate(&[&der[..], &[0]].concat()), Some(true), "{length}");
            assert_ne!(is_certificate(&der[..der.len() - 1]), Some(true), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(der in proptest::collection::vec(prop_oneof![Just(0x30_u8), Just(0x83), 0..9_u8], 0..40)) {
            let _ = is_certificate(&der);
        }
    }
}
