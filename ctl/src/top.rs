//! `top`: the list, live.
//!
//! Owns the terminal while it runs and gives it back however it ends. What is shown comes from the service every
//! second; a key sends the same request that the word would.

use std::time::Duration;

use colmeia::admin::{Session, Sessions};
use colmeia_base::tasks;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row, Table, TableState};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::CtlError;
use crate::client::Client;
use crate::table::{TITLES, columns};

/// How often the service is asked.
const PACE: Duration = Duration::from_secs(1);
/// How long the keyboard's thread waits before it looks whether anybody listens.
const KEYS: Duration = Duration::from_millis(200);

/// What is on the screen.
#[derive(Debug, Default)]
struct Screen {
    sessions: Vec<Session>,
    draining: bool,
    order: Order,
    selected: TableState,
    note: String,
}

/// By what the rows are sorted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Order {
    #[default]
    Memory,
    Cpu,
    User,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Quit,
    Ask(&'static str),
    Nothing,
}

pub(crate) async fn run(client: &Client) -> Result<(), CtlError> {
    let mut screen = Screen::default();
    screen.show(client.get("/v1/sessions").await?);
    let mut terminal = ratatui::try_init().map_err(CtlError::Terminal)?;
    let mut keys = keyboard();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = loop {
        if let Err(error) = terminal.draw(|frame| screen.draw(frame)) {
            break Err(CtlError::Terminal(error));
        }
        tokio::select! {
            key = keys.recv() => match key.map_or(Meaning::Quit, |key| screen.press(key)) {
                Meaning::Quit => break Ok(()),
                Meaning::Ask(operation) => screen.ask(client, operation).await,
                Meaning::Nothing => {}
            },
            _ = pace.tick() => match client.get("/v1/sessions").await {
                Ok(sessions) => screen.show(sessions),
                Err(error) => screen.note = error.to_string(),
            },
        }
    };
    ratatui::restore();
    ended
}

/// Keys come from a thread: reading a terminal waits.
fn keyboard() -> mpsc::Receiver<KeyEvent> {
    let (sender, receiver) = mpsc::channel(16);
    let reading = tasks::passing_thread("keyboard", move || {
        while !sender.is_closed() {
            match event::poll(KEYS).and_then(|there| if there { event::read().map(Some) } else { Ok(None) }) {
                Ok(Some(Event::Key(key))) if key.kind == KeyEventKind::Press => {
                    if sender.blocking_send(key).is_err() {
                        break;
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    // Without it the receiver is closed at once, as when the terminal is.
    drop(reading);
    receiver
}

impl Screen {
    /// New rows; who was selected stays selected.
    fn show(&mut self, Sessions { sessions, draining }: Sessions) {
        let user = self.chosen().map(|session| session.user.clone());
        (self.sessions, self.draining) = (sessions, draining);
        self.sort();
        let at = self.sessions.iter().position(|session| Some(&session.user) == user.as_ref());
        self.selected.select(at.or((!self.sessions.is_empty()).then_some(0)));
    }

    fn sort(&mut self) {
        let order = self.order;
        self.sessions.sort_by(|a, b| {
            let by = match order {
                Order::Memory => b.memory.cmp(&a.memory),
                Order::Cpu => b.cpu_seconds.unwrap_or(-1.0).total_cmp(&a.cpu_seconds.unwrap_or(-1.0)),
                Order::User => std::cmp::Ordering::Equal,
            };
            by.then_with(|| a.user.cmp(&b.user))
        });
    }

    fn chosen(&self) -> Option<&Session> {
        self.sessions.get(self.selected.selected()?)
    }

    fn press(&mut self, key: KeyEvent) -> Meaning {
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Meaning::Quit,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Meaning::Quit,
            KeyCode::Char('s') => return Meaning::Ask("stop"),
            KeyCode::Char('a') => return Meaning::Ask("start"),
            KeyCode::Char('r') => return Meaning::Ask("restart"),
            KeyCode::Char('u') => return Meaning::Ask("resume"),
            KeyCode::Down | KeyCode::Char('j') => {
                let last = self.sessions.len().saturating_sub(1);
                self.selected.select(self.selected.selected().map(|at| (at + 1).min(last)));
            }
            KeyCode::Up | KeyCode::Char('k') => self.selected.select_previous(),
            KeyCode::Char('o') => {
                self.order = match self.order {
                    Order::Memory => Order::Cpu,
                    Order::Cpu => Order::User,
                    Order::User => Order::Memory,
                };
                self.sort();
            }
            _ => {}
        }
        Meaning::Nothing
    }

    async fn ask(&mut self, client: &Client, operation: &str) {
        let Some(user) = self.chosen().map(|session| session.user.clone()) else { return };
        self.note = match client.change(&user, operation, "").await {
            Ok(_) => format!("{user}: {operation} asked for"),
            Err(error) => error.to_string(),
        };
    }

    fn draw(&mut self, frame: &mut Frame) {
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)])
                .areas(frame.area());
        let ready = self.sessions.iter().filter(|session| session.ready).count();
        let drain = if self.draining { ", draining" } else { "" };
        let summary = format!(
            "colmeia: {} users, {ready} ready{drain}; sorted by {}  {}",
            self.sessions.len(),
            match self.order {
                Order::Memory => "memory",
                Order::Cpu => "CPU",
                Order::User => "user",
            },
            self.note
        );
        frame.render_widget(Line::from(summary), head);
        let rows = self.sessions.iter().map(|session| {
            Row::new(columns(session).map(Cell::from)).style(Style::new().fg(colour(session)))
        });
        let widths = [12, 14, 8, 8, 12, 7, 8, 24, 6, 12].map(Constraint::Min);
        let table = Table::new(rows, widths)
            .header(Row::new(TITLES).style(Style::new().add_modifier(Modifier::BOLD)))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_stateful_widget(table, body, &mut self.selected);
        frame.render_widget(
            Line::from("↑↓ choose   s stop   a start   r restart   u resume   o order   q quit"),
            foot,
        );
    }
}

fn colour(session: &Session) -> Color {
    match session.phase.as_str() {
        "running" if session.ready => Color::Green,
        "parked" => Color::Red,
        "backing_off" => Color::Yellow,
        _ => Color::Reset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::session;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn screen() -> Screen {
        let mut screen = Screen::default();
        let large = Session { memory: Some(900 << 20), ..session("2") };
        screen.show(Sessions { sessions: vec![session("1"), large], draining: true });
        screen
    }

    #[test]
    fn the_largest_is_first_and_the_screen_says_what_keys_do() {
        let mut screen = screen();
        let mut terminal = Terminal::new(TestBackend::new(120, 6)).expect("a terminal");
        terminal.draw(|frame| screen.draw(frame)).expect("drawn");
        let text = terminal.backend().to_string();
        let line = |word: &str| text.lines().position(|line| line.contains(word)).expect(word);
        assert!(line("900M/-") < line("312M/-"), "{text}");
        assert!(text.contains("2 users, 2 ready, draining") && text.contains("q quit"), "{text}");
    }

    #[test]
    fn keys_move_sort_ask_and_quit_and_the_chosen_user_stays_chosen() {
        let mut screen = screen();
        let mut press = |code| screen.press(KeyEvent::from(code));
        assert_eq!(press(KeyCode::Down), Meaning::Nothing);
        assert_eq!(press(KeyCode::Down), Meaning::Nothing);
        assert_eq!(press(KeyCode::Char('r')), Meaning::Ask("restart"));
        assert_eq!(press(KeyCode::Char('q')), Meaning::Quit);
        assert_eq!(screen.chosen().map(|session| session.user.as_str()), Some("1"));
        screen.show(Sessions { sessions: vec![session("0"), session("1")], draining: false });
        assert_eq!(screen.chosen().map(|session| session.user.as_str()), Some("1"));
        screen.show(Sessions { sessions: vec![], draining: false });
        assert!(screen.chosen().is_none());
        screen.press(KeyEvent::from(KeyCode::Down));
    }
}
