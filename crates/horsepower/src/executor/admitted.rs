//! Submitting to an executor whose queue may have a limit: one text for both pools.

/// The methods of [`Executor`](super::Executor) that submit one task, of an executor with a field `limit`
/// and the methods `enter` and `submit_admitted`.
macro_rules! submit_by_admission {
    () => {
        fn queue_limit(&self) -> Option<usize> {
            self.limit.as_ref().map(|limit| limit.tasks)
        }

        fn submit_with<F, A, R>(
            &self,
            options: TaskOptions,
            function: F,
            argument: A,
        ) -> TaskFuture<R>
        where
            F: Fn(A) -> R + Send + Sync + 'static,
            A: Value,
            R: Value,
        {
            self.submit_admitted(self.enter(), options, function, argument)
        }

        fn try_submit_with<F, A, R>(
            &self,
            options: TaskOptions,
            function: F,
            argument: A,
        ) -> Result<TaskFuture<R>, QueueFull<A>>
        where
            F: Fn(A) -> R + Send + Sync + 'static,
            A: Value,
            R: Value,
        {
            match self.limit.as_ref().map(QueueLimit::try_enter) {
                Some(None) => Err(QueueFull(argument)),
                permit => Ok(self.submit_admitted(permit.flatten(), options, function, argument)),
            }
        }

        async fn submit_async_with<F, A, R>(
            &self,
            options: TaskOptions,
            function: F,
            argument: A,
        ) -> TaskFuture<R>
        where
            F: Fn(A) -> R + Send + Sync + 'static,
            A: Value,
            R: Value,
        {
            let permit = match &self.limit {
                Some(limit) => Some(limit.enter_async().await),
                None => None,
            };
            self.submit_admitted(permit, options, function, argument)
        }
    };
}

pub(super) use submit_by_admission;
