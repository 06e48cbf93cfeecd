//! Settings that a process and the workers of a pool share, written once for both builders.

/// Methods of a builder with a field `launch`. `$whose` is "the process" or "the workers".
macro_rules! launch_settings {
    ($whose:literal) => {
        /// How long a process may take to start and reach [`init`](crate::init()); after that it is
        /// killed. Default: 10 seconds.
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

        #[doc = concat!("Clears the environment of ", $whose, ": no variable of this process is inherited.")]
        pub fn env_clear(mut self) -> Self {
            self.launch.clear_environment = true;
            self.launch.environment.clear();
            self
        }

        #[doc = concat!("Sets the working directory of ", $whose, ". Default: this process's own.")]
        pub fn current_dir(mut self, directory: impl Into<::std::path::PathBuf>) -> Self {
            self.launch.directory = Some(directory.into());
            self
        }

        #[doc = concat!("Increases the nice value of ", $whose, ", as nice(1) does: 1 to 19 yields CPU time to")]
        /// other processes. A negative value needs a privilege.
        pub fn nice(mut self, increment: i8) -> Self {
            self.launch.nice = increment;
            self
        }

        #[doc = concat!("Restricts ", $whose, " to the CPUs with these numbers. Default: those that this process")]
        /// may use.
        pub fn cpu_affinity(mut self, cpus: impl IntoIterator<Item = usize>) -> Self {
            self.launch.cpus = Some(cpus.into_iter().collect());
            self
        }
    };
}

pub(crate) use launch_settings;
