//! Owns everything the simulator knows while it runs: numbers, open pages, media, faults that wait.
//! One lock, never held across an await; whoever changes it says so, which saves and redraws.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::{
    account::{Account, Device, Line},
    clock::now_ms,
    faults::Waiting,
    media::Media,
    passkey::Ceremony,
    records::Records,
    settings::Settings,
    wire::{Contact, Identity, PageState, ToPage},
};

/// Shared by every handler.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    changes: Arc<watch::Sender<u64>>,
    /// The command line.
    pub(crate) settings: Arc<Settings>,
    /// Held by the page whose modules are on the line.
    pub(crate) line: Arc<tokio::sync::Mutex<()>>,
}

/// All state.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// What survives a restart with `--state`.
    pub(crate) lasting: Lasting,
    /// Open pages by name.
    pub(crate) pages: BTreeMap<String, Page>,
    /// Faults for the next page of a number.
    pub(crate) waiting: HashMap<String, Waiting>,
    last_page: u64,
}

/// The part of the world that `--state` keeps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lasting {
    /// Numbers with an account.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Media by the last part of its path.
    #[serde(with = "crate::media::as_base64")]
    pub(crate) media: BTreeMap<String, Media>,
    /// What is known beyond messages, by kind and id: groups, channels, people, labels, …
    #[serde(default)]
    pub(crate) records: Records,
}

/// One open page: one channel.
#[derive(Debug)]
pub(crate) struct Page {
    /// What it is in.
    pub(crate) state: PageState,
    /// The QR string it shows.
    pub(crate) qr: Option<String>,
    /// The pairing code it shows.
    pub(crate) code: Option<String>,
    /// Who it is registered as.
    pub(crate) identity: Option<Identity>,
    /// Since when it is in its state, in milliseconds.
    pub(crate) since: u64,
    /// Its browser's name for itself.
    pub(crate) user_agent: String,
    /// Whether queued events may be delivered now.
    pub(crate) receiving: bool,
    /// How many of its messages the server has taken and holds back (`send_delay`).
    pub(crate) sending: u32,
    /// Faults that were addressed to the page before it was linked.
    pub(crate) waiting: Waiting,
    /// The passkey that it was asked for.
    pub(crate) ceremony: Option<Ceremony>,
    channel: mpsc::UnboundedSender<ToPage>,
}

impl Shared {
    /// A world that begins with what was saved.
    pub(crate) fn new(settings: Settings, lasting: Lasting) -> Self {
        let world = World { lasting, ..World::default() };
        Self {
            world: Arc::new(Mutex::new(world)),
            changes: Arc::new(watch::Sender::new(0)),
            settings: Arc::new(settings),
            line: Arc::default(),
        }
    }

    /// Looks at the world or changes it without anyone needing to know.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world and tells those who watch.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changes.send_modify(|count| *count += 1);
        outcome
    }

    /// Wakes whenever the world changed.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

impl Page {
    /// Sends to the page; a page that is gone is noticed by its own task.
    pub(crate) fn tell(&self, message: ToPage) {
        let _ = self.channel.send(message);
    }
}

impl World {
    /// A page has opened its channel.
    pub(crate) fn open_page(&mut self, channel: mpsc::UnboundedSender<ToPage>) -> String {
        self.last_page += 1;
        let name = format!("p{}", self.last_page);
        let page = Page {
            state: PageState::Loading,
            qr: None,
            code: None,
            identity: None,
            since: now_ms(),
            user_agent: String::new(),
            receiving: false,
            sending: 0,
            waiting: Waiting::default(),
            ceremony: None,
            channel,
        };
        page.tell(ToPage::Welcome { page: name.clone() });
        self.pages.insert(name.clone(), page);
        name
    }

    /// A phone has scanned the page's code, or typed its pairing code: it is linked, or first asked for a passkey.
    /// Whether it is linked; `None` when there is no such page.
    pub(crate) fn scanned(
        &mut self,
        page: &str,
        number: &str,
        name: &str,
        contacts: Vec<Contact>,
    ) -> Option<bool> {
        let passkey = self.lasting.accounts.get(number).and_then(|account| account.passkey.as_ref());
        let Some(passkey) = passkey else { return self.link(page, number, name, contacts).then_some(true) };
        let ceremony = Ceremony::of(number, passkey, Some((name.to_owned(), contacts)));
        let page = self.pages.get_mut(page)?;
        (page.qr, page.code) = (None, None);
        page.tell(ToPage::Passkey { options: ceremony.options(), checkpoint: false });
        page.ceremony = Some(ceremony);
        Some(false)
    }

    /// Links a waiting page to a phone number.
    pub(crate) fn link(&mut self, page: &str, number: &str, name: &str, contacts: Vec<Contact>) -> bool {
        let account = self.lasting.accounts.entry(number.to_owned()).or_default();
        account.name = name.to_owned();
        for contact in contacts {
            account.contacts.retain(|known| known.number != contact.number);
            account.contacts.push(contact);
        }
        let device = account.next_device();
        let contacts = account.contacts.clone();
        let Some(page) = self.pages.get_mut(page) else { return false };
        account.devices.insert(device, Device::default());
        let identity = Identity { number: number.to_owned(), device, name: name.to_owned() };
        let waiting = self.waiting.entry(number.to_owned()).or_default();
        waiting.take_over(&mut page.waiting);
        page.identity = Some(identity.clone());
        page.qr = None;
        page.code = None;
        page.tell(ToPage::Linked { identity, contacts, slow_sync: waiting.slow_sync.take() });
        true
    }

    /// A page is gone. A phone whose code it had scanned, and which has heard nothing of it since, gives up.
    pub(crate) fn close_page(&mut self, name: &str) {
        let Some(page) = self.pages.remove(name) else { return };
        if let (PageState::Qr, Some(identity)) = (page.state, page.identity) {
            self.forget_device(&identity);
        }
    }

    /// A page comes back with a registration. `None` when the phone has logged it out meanwhile.
    pub(crate) fn resume(&mut self, page: &str, identity: Identity) -> Option<Value> {
        let account = self.lasting.accounts.entry(identity.number.clone()).or_default();
        if account.name.is_empty() {
            account.name.clone_from(&identity.name);
        }
        let device = account.devices.entry(identity.device).or_default();
        if device.logged_out {
            return None;
        }
        let waiting = self.waiting.entry(identity.number.clone()).or_default();
        let now = now_ms();
        if waiting.banned_until > now {
            let expire = (waiting.banned_until - now).div_ceil(1000);
            return Some(json!({ "ok": false, "code": 402, "expire": expire }));
        }
        // Two pages of one device: the newer one wins, as on the real server.
        for (_, older) in self.pages.iter().filter(|(name, _)| *name != page) {
            if older.identity.as_ref() == Some(&identity) {
                older.tell(ToPage::Fault { fault: "conflict".to_owned(), value: None });
            }
        }
        let page = self.pages.get_mut(page)?;
        waiting.take_over(&mut page.waiting);
        page.identity = Some(identity);
        Some(json!({ "ok": true, "slow_sync": waiting.slow_sync.take() }))
    }

    /// Gives every receiving page of a number what its device has queued beyond what it was given.
    pub(crate) fn queue(&mut self, number: &str, event: &Value) {
        let Some(account) = self.lasting.accounts.get_mut(number) else { return };
        account.queue_everywhere(event);
        for page in self.pages.values().filter(|page| page.receiving) {
            let Some(identity) = page.identity.as_ref().filter(|identity| identity.number == number) else {
                continue;
            };
            if let Some(queued) = account.devices.get(&identity.device).and_then(|device| device.queue.back())
            {
                page.tell(ToPage::Deliver { seq: queued.seq, event: queued.event.clone() });
            }
        }
    }

    /// The page may be given what is queued; everything not yet stored is given (again).
    pub(crate) fn receive(&mut self, name: &str, on: bool) {
        let Some(page) = self.pages.get_mut(name) else { return };
        page.receiving = on;
        let Some(identity) = page.identity.clone().filter(|_| on) else { return };
        let device = self
            .lasting
            .accounts
            .get(&identity.number)
            .and_then(|account| account.devices.get(&identity.device));
        for queued in device.iter().flat_map(|device| &device.queue) {
            page.tell(ToPage::Deliver { seq: queued.seq, event: queued.event.clone() });
        }
        page.tell(ToPage::OfflineEnd);
    }

    /// The phone logs every device of a number out. False when there is none.
    pub(crate) fn log_out(&mut self, number: &str) -> bool {
        let Some(account) = self.lasting.accounts.get_mut(number).filter(|account| account.has_devices())
        else {
            return false;
        };
        for device in account.devices.values_mut() {
            device.logged_out = true;
            device.queue.clear();
        }
        for page in self.pages_of(number) {
            page.tell(ToPage::Logout);
        }
        true
    }

    /// One device is logged out by its own user (or by a ban).
    pub(crate) fn forget_device(&mut self, identity: &Identity) {
        let account = self.lasting.accounts.get_mut(&identity.number);
        if let Some(device) = account.and_then(|account| account.devices.get_mut(&identity.device)) {
            device.logged_out = true;
            device.queue.clear();
        }
    }

    /// Open pages of a number.
    pub(crate) fn pages_of<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Page> {
        self.pages
            .values()
            .filter(move |page| page.identity.as_ref().is_some_and(|identity| identity.number == number))
    }

    /// Notes a line on the phone's screen and hands the event to the devices.
    pub(crate) fn deliver_message(
        &mut self,
        number: &str,
        chat: &str,
        name: &str,
        line: Line,
        event: &Value,
    ) {
        if let Some(account) = self.lasting.accounts.get_mut(number) {
            account.note(chat, Some(name), line);
        }
        self.queue(number, event);
    }
}
