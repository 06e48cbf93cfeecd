//! The settings that a process and the workers of a pool have in common: one text for two builders.

/// The methods of a builder with a field `launch`, for `$whose`: "the process" or "the workers".
macro_rules! launch_settings {
    ($whose:literal) => {
        /// How long a process may take from its start until it has come to `init`; then it is ended.
        /// Default: 10 seconds.
        pub fn start_timeout(mut self, timeout: ::std::time::Duration) -> Self {
            self.launch.start_timeout = timeout;
            self
        }

        #[doc = concat!("Sets a variable in the environment of ", $whose, ".")]
        pub fn env(
            mut self,
            name: impl Into<::std::ffi::OsString>,
            value: impl Into<::std::ffi::OsString>,
        ) -> Self {
            self.launch.environment.push((name.into(), Some(value.into())));
            self
        }

        #[doc = concat!("Removes a variable from the environment of ", $whose, ".")]
        pub fn env_remove(mut self, name: impl Into<::std::ffi::OsString>) -> Self {
            self.launch.environment.push((name.into(), None));
            self
        }

        #[doc = concat!("No variable of this process is in the environment of ", $whose, ".")]
        pub fn env_clear(mut self) -> Self {
            self.launch.clear_environment = true;
            self.launch.environment.clear();
            self
        }

        #[doc = concat!("The working directory of ", $whose, ". Default: this process's own.")]
        pub fn current_dir(mut self, directory: impl Into<::std::path::PathBuf>) -> Self {
            self.launch.directory = Some(directory.into());
            self
        }
    };
}

pub(crate) use launch_settings;
