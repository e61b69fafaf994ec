//! On what the tests run: the kind of account, the line, and how much of the page runs, as `make e2e-matrix` varies them. Owns the environment variables
//! that say so, and what follows from them for the simulator and for the ids that a test expects.

/// `classic` (the default: chats have the numbers of those they are with) or `migrated` (they have their lids).
const ACCOUNTS: &str = "COLMEIA_TEST_ACCOUNTS";
/// The speed of the line on which pages load, in kbit/s; absent: everything is there at once.
const LINE_KBIT: &str = "COLMEIA_TEST_LINE_KBIT";

/// How much of the page runs: `full` (the default), or `little` (no main screen).
const PAGE: &str = "COLMEIA_TEST_PAGE";

/// What stands in the configuration of it.
pub(super) fn configuration() -> &'static str {
    match std::env::var(PAGE).as_deref() {
        Err(_) | Ok("full") => "",
        Ok("little") => "[page]\nui = \"none\"\n",
        Ok(_) => panic!("{PAGE} is full or little"),
    }
}

/// What stands in the page's address: it has web workers, which are held back unless a test's configuration says otherwise.
pub(super) fn page_query(own: &str) -> String {
    format!("{own}{}workers=1", if own.contains('?') { '&' } else { '?' })
}

/// What the simulator is told of it. What a test says itself stays as the test says it.
pub(super) fn arguments(own: &[&str]) -> Vec<String> {
    let mut arguments = Vec::new();
    if is_migrated() && !own.contains(&"--migrated") {
        arguments.push("--migrated".to_owned());
    }
    if let Ok(speed) = std::env::var(LINE_KBIT)
        && !own.contains(&"--line-kbit")
    {
        assert!(speed.parse::<u32>().is_ok_and(|speed| speed > 0), "{LINE_KBIT} is a number of kbit/s");
        arguments.extend(["--line-kbit".to_owned(), speed]);
    }
    arguments
}

/// The id of the chat with this number, on the accounts that the tests run on.
pub(crate) fn chat_id(number: &str) -> String {
    if is_migrated() { lid_of(number) } else { format!("{number}@c.us") }
}

fn is_migrated() -> bool {
    match std::env::var(ACCOUNTS).as_deref() {
        Err(_) | Ok("classic") => false,
        Ok("migrated") => true,
        Ok(_) => panic!("{ACCOUNTS} is classic or migrated"),
    }
}

/// As the simulated server gives lids (`simulator/page/lids.js`).
fn lid_of(number: &str) -> String {
    let mix = |mixed: u128, digit: u8| (mixed * 31 + u128::from(digit - b'0') + 11) % 89_999_999_999_989;
    format!("{}@lid", 10_000_000_000_000 + number.bytes().fold(7, mix))
}
