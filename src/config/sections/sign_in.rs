//! `security`, as far as it is about how people and their programs sign in.

use crate::config::{
    kind::{Boolean, Text, Whole},
    setting::section,
};

section! {
    /// Signing in
    pub(crate) struct SignInSettings {
        /// Whether a tenant's administrators may sign in as users of the tenant's customers.
        user_token_access: bool = Boolean => {
            key: "security.user_token_access_enabled",
            variable: "SECURITY_USER_TOKEN_ACCESS_ENABLED",
            default: "true",
        }
        /// What the value of a new API key begins with.
        api_key_prefix: String = Text => {
            key: "security.api_key.value_prefix",
            variable: "SECURITY_API_KEY_VALUE_PREFIX",
            default: "tb_",
        }
        /// Random bytes in the value of a new API key, from 16 to 256.
        api_key_bytes: usize = Whole::between(16, 256) => {
            key: "security.api_key.value_bytes_size",
            variable: "SECURITY_API_KEY_VALUE_BYTES_SIZE",
            default: "64",
        }
    }
}
