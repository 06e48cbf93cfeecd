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

        #[doc = concat!("How much nicer than this process are ", $whose, ": 1 to 19 leaves others more")]
        /// of the CPUs, as nice(1) does. Less than 0 needs a privilege.
        pub fn nice(mut self, increment: i8) -> Self {
            self.launch.nice = increment;
            self
        }

        #[doc = concat!("The CPUs, by their numbers, for ", $whose, ". Default: those that this process")]
        /// may use.
        pub fn cpu_affinity(mut self, cpus: impl IntoIterator<Item = usize>) -> Self {
            self.launch.cpus = Some(cpus.into_iter().collect());
            self
        }
    };
}

pub(crate) use launch_settings;
