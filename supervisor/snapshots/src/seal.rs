//! How one object is sealed: compressed where that pays, then encrypted, bound to its kind and its name.
//!
//! ```text
//! format (1 byte) │ compressed? (1 byte) │ salt (16 bytes) │ ChaCha20-Poly1305 ciphertext and tag
//! ```
//!
//! Each object has a key of its own, made of its kind, its name and a random salt: so its nonce is always the same one. The
//! bytes before the ciphertext, the kind and the name are authenticated with it: an object that was altered, cut off, or
//! put in another's place does not open. Objects are small (a file is cut into pieces), so each is in memory as a whole.

use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ring::aead::{Aad, Nonce};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::key::Key;

const FORMAT: u8 = 1;
const SALT: usize = 16;
const HEAD: usize = 2 + SALT;
const TAG: usize = 16;
/// What sealing adds at most.
pub(crate) const OVERHEAD: usize = HEAD + TAG;
/// A key is used once.
const NONCE: [u8; 12] = [0; 12];

/// The object is not what was written under this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotOpened;

/// Random bytes as text, for a name that nobody had before.
///
/// # Errors
/// When the system gives none.
pub(crate) fn random() -> io::Result<String> {
    Ok(hex::encode(salt()?))
}

fn salt() -> io::Result<[u8; SALT]> {
    let mut salt = [0; SALT];
    SystemRandom::new().fill(&mut salt).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(salt)
}

/// Seals a content under this name.
///
/// # Errors
/// When the system gives no random numbers.
pub(crate) fn seal(key: &Key, kind: &str, name: &str, content: &[u8]) -> io::Result<Bytes> {
    let salt = salt()?;
    let smaller = compress(content)?.filter(|smaller| smaller.len() < content.len());
    let mut sealed = vec![FORMAT, u8::from(smaller.is_some())];
    sealed.extend(salt);
    let aad = Aad::from(bound(kind, name, &sealed));
    let mut body = smaller.unwrap_or_else(|| content.to_vec());
    let opaque = |()| io::Error::other("cannot be encrypted");
    key.seal(kind, name, &salt)
        .ok_or(())
        .and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(NONCE);
            key.seal_in_place_append_tag(nonce, aad, &mut body).map_err(|_| ())
        })
        .map_err(opaque)?;
    sealed.append(&mut body);
    Ok(sealed.into())
}

/// Opens what was sealed under this name, if it is that and has at most so many bytes.
pub(crate) fn open(
    key: &Key,
    kind: &str,
    name: &str,
    sealed: &[u8],
    most: usize,
) -> Result<Vec<u8>, NotOpened> {
    let (head, body) = sealed.split_at_checked(HEAD).ok_or(NotOpened)?;
    let [FORMAT, compressed @ 0..=1, salt @ ..] = head else { return Err(NotOpened) };
    let aad = Aad::from(bound(kind, name, head));
    let mut body = body.to_vec();
    let opened = key.seal(kind, name, salt).ok_or(NotOpened)?;
    let opened = opened
        .open_in_place(Nonce::assume_unique_for_key(NONCE), aad, &mut body)
        .map_err(|_| NotOpened)?
        .len();
    body.truncate(opened);
    if *compressed == 1 {
        let mut whole = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        DeflateDecoder::new(&*body).take(limit).read_to_end(&mut whole).map_err(|_| NotOpened)?;
        body = whole;
    }
    if body.len() > most { Err(NotOpened) } else { Ok(body) }
}

fn bound(kind: &str, name: &str, head: &[u8]) -> Vec<u8> {
    let mut bound = format!("colmeia snapshot\0{kind}\0{name}\0").into_bytes();
    bound.extend(head);
    bound
}

fn compress(content: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish().map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::test_key;

    #[test]
    fn what_does_not_shrink_is_kept_as_it_is() {
        let key = test_key('1');
        let noise: Vec<u8> = (0..64).flat_map(|_| salt().expect("random")).collect();
        let sealed = seal(&key, "object", "n", &noise).expect("sealed");
        assert_eq!(sealed.len(), noise.len() + OVERHEAD);
        let text = vec![b'a'; 100_000];
        let sealed = seal(&key, "object", "n", &text).expect("sealed");
        assert!(sealed.len() < 1_000);
        assert_eq!(open(&key, "object", "n", &sealed, text.len()).expect("opened"), text);
        assert_eq!(open(&key, "object", "n", &sealed, text.len() - 1), Err(NotOpened), "a bomb");
    }

    proptest! {
        #[test]
        fn only_the_same_bytes_under_the_same_name_open(
            content in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let key = test_key('1');
            let sealed = seal(&key, "object", "name", &content).expect("sealed");
            let most = content.len();
            prop_assert_eq!(&open(&key, "object", "name", &sealed, most).expect("opened"), &content);
            let again = seal(&key, "object", "name", &content).expect("sealed");
            prop_assert_ne!(&again, &sealed, "a key of its own each time");
            prop_assert_eq!(open(&key, "object", "other", &sealed, most), Err(NotOpened));
            prop_assert_eq!(open(&key, "manifest", "name", &sealed, most), Err(NotOpened));
            prop_assert_eq!(open(&test_key('2'), "object", "name", &sealed, most), Err(NotOpened));
            let mut altered = sealed.to_vec();
            let place = at.index(altered.len());
            altered[place] ^= flip;
            prop_assert_eq!(open(&key, "object", "name", &altered, most), Err(NotOpened));
            prop_assert_eq!(open(&key, "object", "name", &sealed[..place], most), Err(NotOpened));
        }
    }
}
