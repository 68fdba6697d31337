//! The one definition of every setting, from which it is read, shown and documented.

/// A setting as the reference and the search for unknown keys know it.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Its dotted name.
    pub(crate) key: &'static str,
    /// Names under which it is known elsewhere; the first that is set counts, after the name itself.
    pub(crate) aliases: &'static [&'static str],
    /// The environment variable that sets it.
    pub(crate) variable: &'static str,
    /// What counts if nothing sets it.
    pub(crate) default: &'static str,
    /// What the default means, where it does not speak for itself.
    pub(crate) default_note: Option<&'static str>,
    /// What a value has to be.
    pub(crate) kind: String,
    /// Whether its value is never shown.
    pub(crate) secret: bool,
    /// What it means.
    pub(crate) meaning: &'static str,
}

/// Some settings that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// What they are about.
    pub(crate) about: &'static str,
    /// The settings.
    pub(crate) settings: Vec<Setting>,
}

/// Defines a section: a struct with one typed member per setting, `section()` that describes them, and `read()` that
/// takes them from the sources. A member's doc comment is what the reference says of it.
macro_rules! section {
    (
        #[doc = $about:literal]
        pub(crate) struct $name:ident {$(
            $(#[doc = $meaning:literal])+
            $field:ident: $type:ty = $kind:expr => {
                key: $key:literal,
                $(aliases: [$($alias:literal),+],)?
                variable: $variable:literal,
                default: $default:literal $(= $note:literal)?,
                $(secret: $secret:literal,)?
            }
        )+}
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug)]
        pub(crate) struct $name {$(
            $(#[doc = $meaning])+
            pub(crate) $field: $type,
        )+}

        impl $name {
            pub(crate) fn section() -> $crate::config::setting::Section {
                $crate::config::setting::Section { about: $about, settings: vec![$(Self::$field(),)+] }
            }

            pub(crate) fn read(sources: &mut $crate::config::sources::Sources) -> Option<Self> {
                $(let $field = sources.read(&Self::$field(), &$crate::config::kind::for_type::<$type, _>($kind));)+
                Some(Self { $($field: $field?,)+ })
            }

            $(fn $field() -> $crate::config::setting::Setting {
                $crate::config::setting::Setting {
                    key: $key,
                    aliases: &[$($($alias),+)?],
                    variable: $variable,
                    default: $default,
                    default_note: [$($note)?].first().copied(),
                    kind: $crate::config::kind::Kind::name(&$crate::config::kind::for_type::<$type, _>($kind)),
                    secret: [$($secret)?].first().copied().unwrap_or(false),
                    meaning: concat!($($meaning),+),
                }
            })+
        }
    };
}

pub(crate) use section;
