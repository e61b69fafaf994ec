//! What a vital task takes with it: each case runs this program again as the process that ends.

#![allow(clippy::disallowed_methods)] // a process that is only there to end

use std::process::Command;
use std::time::Duration;

use colmeia_base::tasks::{self, EXIT_TASK_FAILED};

const CASE: &str = "COLMEIA_TEST_CASE";

/// Runs the case in a process of its own, by the name of the test that asks; its exit code, and what it said.
fn run(test: &str, case: &str) -> (Option<i32>, String) {
    let own = std::env::current_exe().expect("a test has a path");
    let output =
        Command::new(own).args([test, "--exact", "--nocapture"]).env(CASE, case).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The process that ends.
fn act(case: &str) {
    tasks::before_the_end(|| println!("farewell"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match case {
            "task" => drop(tasks::vital("spool", async { panic!("broken") })),
            "thread" => tasks::vital_thread("journal", || panic!("broken")).expect("a thread"),
            "done" => drop(tasks::vital("spool", async {})),
            "passing" => drop(tasks::passing("a connection", async { panic!("broken") })),
            other => panic!("{other} is no case"),
        }
        // Nobody awaits them.
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    println!("went on");
}

#[test]
fn a_vital_task_that_fails_ends_the_process_although_nobody_awaits_it() {
    if let Ok(case) = std::env::var(CASE) {
        return act(&case);
    }
    for case in ["task", "thread"] {
        let (code, said) = run("a_vital_task_that_fails_ends_the_process_although_nobody_awaits_it", case);
        assert_eq!(code, Some(EXIT_TASK_FAILED), "{said}");
        assert!(said.contains("farewell") && !said.contains("went on"), "{said}");
    }
}

#[test]
fn one_that_is_done_and_one_that_may_fail_do_not() {
    if let Ok(case) = std::env::var(CASE) {
        return act(&case);
    }
    for case in ["done", "passing"] {
        let (code, said) = run("one_that_is_done_and_one_that_may_fail_do_not", case);
        assert!(code == Some(0) && said.contains("went on"), "{code:?} {said}");
    }
}
