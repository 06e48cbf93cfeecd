//! A `map` moves a progress bar of `indicatif`; the input gives its length.

use horsepower::prelude::*;
use indicatif::ProgressBar;

#[test]
fn a_bar_follows_a_map() {
    let pool = ThreadPoolExecutor::with_workers(2).unwrap();
    let bar = ProgressBar::hidden();
    let options = MapOptions::new().progress_bar(bar.clone());
    let mut map = pool.tasks(|n: u64| n + 1, 0..50).options(options).map();
    assert_eq!((bar.length(), bar.position()), (Some(50), 0));
    assert!(map.by_ref().take(20).all(|result| result.is_ok()));
    assert_eq!(bar.position(), 20);
    assert!(map.all(|result| result.is_ok()));
    assert_eq!(bar.position(), 50);
}
