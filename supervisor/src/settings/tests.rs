use super::*;

use clap::CommandFactory as _;

fn load_from(args: &[&str], environment: &[(&str, &str)]) -> Result<Arc<ServiceConfig>, SettingsError> {
    let flags = Flags::parse_from(["colmeia-supervisor"].iter().chain(args));
    load(&flags, environment.iter().map(|(key, value)| (key.into(), value.into())))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn error(args: &[&str], environment: &[(&str, &str)]) -> String {
    load_from(args, environment).expect_err("refused").to_string()
}

#[test]
fn flags_win_over_ours_ours_over_the_contracts_and_all_over_the_file() {
    let file =
        file("listen = '127.0.0.2:1'\nwebhook_url = 'http://file/'\nmax_users = 1\n[restart]\nburst = 9");
    let path = file.path().to_str().expect("UTF-8");
    let config = ["--config", path];
    let loaded = load_from(&config, &[]).expect("valid");
    assert_eq!((loaded.listen.to_string(), loaded.max_users), ("127.0.0.2:1".into(), 1));

    let contract = [("PORT", "2"), ("FLASK_WEBHOOK_URL", "http://flask/")];
    let loaded = load_from(&config, &contract).expect("valid");
    assert_eq!(
        (loaded.listen.to_string(), loaded.webhook_url.as_str()),
        ("127.0.0.2:2".into(), "http://flask/")
    );

    let ours = [("COLMEIA_LISTEN", "127.0.0.3:3"), ("COLMEIA_WEBHOOK_URL", "http://ours/")];
    let both = [contract, ours].concat();
    let loaded = load_from(&config, &both).expect("valid");
    assert_eq!(
        (loaded.listen.to_string(), loaded.webhook_url.as_str()),
        ("127.0.0.3:3".into(), "http://ours/")
    );

    let flags = ["--config", path, "--listen", "127.0.0.4:4", "--webhook-url", "http://flag/"];
    let loaded = load_from(&flags, &both).expect("valid");
    assert_eq!(
        (loaded.listen.to_string(), loaded.webhook_url.as_str()),
        ("127.0.0.4:4".into(), "http://flag/")
    );
    assert_eq!(loaded.restart.burst, 9);
}

#[test]
fn whether_memory_is_merged_is_a_key_of_its_own_and_none_of_the_table_of_caps() {
    assert!(!load_from(&[], &[]).expect("valid").memory_merge, "off unless somebody asks");
    let environment = [("COLMEIA_MEMORY_MERGE", "true"), ("COLMEIA_MEMORY_MAX_MB", "900")];
    let loaded = load_from(&[], &environment).expect("valid");
    assert!(loaded.memory_merge && loaded.memory.max_mb == 900);
    assert!(!load_from(&["--memory-merge", "false"], &environment).expect("valid").memory_merge);
}

#[test]
fn numbers_lists_and_tables_can_be_set_in_the_environment() {
    let loaded = load_from(
        &["--trusted-networks", "10.0.0.0/24,fd00::/8"],
        &[
            ("COLMEIA_MAX_USERS", "7"),
            ("COLMEIA_LANGUAGES", "en, de"),
            ("COLMEIA_RESTART_BASE_MS", "20"),
            ("COLMEIA_DEADLINES_LAUNCH_MS", "30"),
            ("COLMEIA_LOG_FORMAT", "json"),
            ("COLMEIA_WA_JS", "/x/wa.js"),
            ("COLMEIA_LOG", "debug"),
            ("COLMEIA_PAGE_URL", ""),
        ],
    )
    .expect("valid");
    assert_eq!(loaded.max_users, 7);
    assert_eq!(loaded.languages, ["en", "de"]);
    assert_eq!((loaded.restart.base_ms, loaded.deadlines.launch_ms), (20, 30));
    assert_eq!(loaded.trusted_networks.len(), 2);
    assert_eq!(loaded.wa_js, Some("/x/wa.js".into()));
    assert_eq!(loaded.page_url, ServiceConfig::default().page_url, "empty counts as absent");
}

#[test]
fn what_is_unknown_or_wrong_is_named() {
    assert!(error(&[], &[("COLMEIA_MAX_USER", "7")]).contains("COLMEIA_MAX_USER in the environment"));
    assert_eq!(error(&[], &[("COLMEIA_MAX_USERS", "many")]), "COLMEIA_MAX_USERS: is no whole number");
    assert_eq!(
        error(&[], &[("COLMEIA_MEMORY_MERGE", "1")]),
        "COLMEIA_MEMORY_MERGE: is neither true nor false"
    );
    assert!(error(&[], &[("COLMEIA_LISTEN", "here")]).starts_with("COLMEIA_LISTEN: "));
    assert!(error(&["--max-users=-1"], &[]).starts_with("--max-users: "));
    assert!(error(&["--trusted-networks", "10.0.0.0/24,x"], &[]).starts_with("--trusted-networks: "));
    assert_eq!(error(&[], &[("PORT", "70000")]), "PORT: is no port number");
    assert!(error(&["--config", "/nowhere/colmeia.toml"], &[]).contains("/nowhere/colmeia.toml"));
    assert!(error(&["--listen", "0.0.0.0:5001"], &[]).contains("trusted_networks"));

    let file = file("max_users = 3\nmax_user = 4");
    let message = error(&["--config", file.path().to_str().expect("UTF-8")], &[]);
    assert!(message.contains("unknown field `max_user`") && message.contains("line 2"), "{message}");
}

#[test]
fn what_is_in_force_is_a_file_without_secrets() {
    let loaded = load_from(&[], &[("COLMEIA_API_KEYS", "0123456789abcdef,fedcba9876543210")]).expect("valid");
    let shown = in_force(&loaded).expect("shown");
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let again: ServiceConfig = toml::from_str(&shown).expect("a configuration file");
    assert_eq!((again.api_keys.len(), again.state_dir.is_absolute()), (2, true));
    assert_eq!(ServiceConfig { api_keys: loaded.api_keys.clone(), ..again }, *loaded);
}

#[test]
fn secrets_of_webhooks_are_not_shown() {
    let file = file(
        "webhook_url = 'http://flask/webhook?key=hunter1'\n\
         [[webhooks]]\nurl = 'http://x/hook/hunter2hunter2hunter2?token=hunter4'\nevents = ['*']\n\
         hmac = { key = 'hunter2' }\n\
         custom_headers = [{ name = 'a', value = 'hunter3' }]",
    );
    let loaded = load_from(&["--config", file.path().to_str().expect("UTF-8")], &[]).expect("valid");
    let shown = in_force(&loaded).expect("shown");
    assert!(
        shown.contains("http://x/hook/***?***")
            && shown.contains("http://flask/webhook?***")
            && !shown.contains("hunter"),
        "{shown}"
    );
    toml::from_str::<ServiceConfig>(&shown).expect("a configuration file");
}

#[test]
fn an_error_shows_no_line_that_may_hold_a_secret() {
    let head = "[[webhooks]]\nurl = 'http://x/'\nevents = ['*']\n";
    for line in [
        "hmac = { key = hunter2 }",
        "hmac = 'hunter2'",
        "custom_headers = [{ name = 'a', value = 'hunter2 }]",
        "customHeaders = 'hunter2'",
    ] {
        let file = file(&format!("{head}{line}\n"));
        let message = error(&["--config", file.path().to_str().expect("UTF-8")], &[]);
        assert!(message.contains("line 4") && !message.contains("hunter2"), "{message}");
    }
    let file = file("api_keys = 'hunter2'\n");
    let message = error(&["--config", file.path().to_str().expect("UTF-8")], &[]);
    assert!(message.contains("line 1") && !message.contains("hunter2"), "{message}");
}

#[test]
fn the_runtime_directory_has_a_default_and_a_longest_length() {
    let loaded = load_from(&[], &[("RUNTIME_DIRECTORY", "/run/a:/run/b")]).expect("valid");
    assert_eq!(loaded.runtime_dir, Some("/run/a".into()));
    let long = format!("/{}", "d".repeat(60));
    assert!(error(&["--runtime-dir", &long], &[]).contains("runtime_dir"));
}

#[test]
fn the_flags_are_consistent() {
    Flags::command().debug_assert();
}
