//! Executors that are somebody else's: behind a reference, or one of several.

use super::Executor;
use crate::error::Error;
use crate::future::TaskFuture;
use crate::map::{Map, MapOptions};
use crate::options::{QueueFull, TaskOptions};
use crate::shutdown::ShutdownOptions;
use crate::value::Value;
use horsepower_core::stats::Stats;
use std::sync::Arc;

/// The methods of [`Executor`], each by `$on!(self, executor => what to do with it)`.
macro_rules! forward {
    ($on:ident) => {
        fn workers(&self) -> usize {
            $on!(self, executor => executor.workers())
        }

        fn queue_limit(&self) -> Option<usize> {
            $on!(self, executor => executor.queue_limit())
        }

        fn stats(&self) -> Stats {
            $on!(self, executor => executor.stats())
        }

        fn submit_with<F, A, R>(&self, options: TaskOptions, function: F, argument: A) -> TaskFuture<R>
        where
            F: Fn(A) -> R + Send + Sync + 'static,
            A: Value,
            R: Value,
        {
            $on!(self, executor => executor.submit_with(options, function, argument))
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
            $on!(self, executor => executor.try_submit_with(options, function, argument))
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
            $on!(self, executor => executor.submit_async_with(options, function, argument).await)
        }

        fn map_with<'e, F, A, R, I>(
            &'e self,
            options: MapOptions,
            function: F,
            items: I,
        ) -> Map<'e, R>
        where
            F: Fn(A) -> R + Send + Sync + 'static,
            A: Value,
            R: Value,
            I: IntoIterator<Item = A>,
            I::IntoIter: 'e,
        {
            $on!(self, executor => executor.map_with(options, function, items))
        }

        fn shutdown_with(&self, options: ShutdownOptions) -> Result<(), Error> {
            $on!(self, executor => executor.shutdown_with(options))
        }
    };
}

pub(super) use forward;

macro_rules! on_what_it_points_to {
    ($pointer:expr, $executor:ident => $what:expr) => {{
        let $executor = &**$pointer;
        $what
    }};
}

impl<E: Executor> Executor for &E {
    forward!(on_what_it_points_to);
}

impl<E: Executor> Executor for Arc<E> {
    forward!(on_what_it_points_to);
}

impl<E: Executor> Executor for Box<E> {
    forward!(on_what_it_points_to);
}
