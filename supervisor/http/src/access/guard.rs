//! The rules applied to a request: it is turned away with an answer, or goes on with who called noted in it.

use axum::extract::{MatchedPath, Request};
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::decision::{CallerPlace, Refusal, Surface};
use super::{AskFirst, Asked, Basis, Caller, Passed, Peer, until};
use crate::errors;
use crate::state::Http;
use crate::{negotiate, page};
use colmeia_host::shares::Holder;

/// Turns away who may not call, with this answer; notes in the request who may, and says for how long.
pub(crate) fn guard(http: &Http, request: &mut Request) -> Result<Option<Basis>, Box<Response>> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
    let version = request.version();
    let client = http.proxies.settle(peer, version, request.headers_mut());
    if let Some(peer) = request.extensions_mut().get_mut::<Peer>() {
        peer.client = client;
    }
    let surface = Surface::of(request.uri().path());
    let effect = http.effects.of(request.method(), request.extensions().get::<MatchedPath>());
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let refusal = match http.access.check(&Asked { client, peer, method, uri, headers, effect }) {
        Ok(Passed::As(caller, basis)) => {
            request.extensions_mut().insert(caller);
            if let Some(basis) = basis.clone() {
                request.extensions_mut().insert(basis);
            }
            return Ok(basis);
        }
        Ok(Passed::Anyone) => return Ok(None),
        Ok(Passed::AskFirst) if asks_for_a_page(request) => {
            request.extensions_mut().insert(AskFirst);
            return Ok(None);
        }
        Ok(Passed::AskFirst) => Refusal::CrossSite,
        Err(refusal) => refusal,
    };
    match refusal {
        // A person is shown where to sign in; a program is told what is missing.
        Refusal::NoKey if surface == Surface::Pages && asks_for_a_page(request) => {
            Err(Box::new(page::to_sign_in(request.uri())))
        }
        refusal => Err(Box::new(refuse(refusal, surface))),
    }
}

/// Whose quota this request counts against. For requests that have passed the guard.
pub(crate) fn holder(http: &Http, request: &Request) -> Holder {
    let extensions = request.extensions();
    if let Some(Basis::Key(digest, _)) = extensions.get() {
        return Holder::Key(*digest);
    }
    let peer = extensions.get::<Peer>();
    match http.access.place(peer.and_then(|peer| peer.client)) {
        CallerPlace::Elsewhere => peer.map_or(Holder::Here, |peer| Holder::at(peer.caller())),
        CallerPlace::Here | CallerPlace::Trusted => Holder::Here,
    }
}

/// Whether as many requests as the caller likes may be under way: those of the machine itself and of the networks that
/// are trusted, and those with a key without limits.
pub(crate) fn is_unlimited(request: &Request) -> bool {
    request.extensions().get::<Caller>().is_some_and(Caller::is_admin)
}

fn asks_for_a_page(request: &Request) -> bool {
    *request.method() == Method::GET && negotiate::wants_html(request.headers())
}

fn refuse(refusal: Refusal, surface: Surface) -> Response {
    let (status, portuguese, english) = match refusal {
        Refusal::NoKey => (
            StatusCode::UNAUTHORIZED,
            "Acesso negado: envie uma chave em X-Api-Key ou Authorization: Bearer, ou inclua esta rede em trusted_networks",
            "Send a key as X-Api-Key or as Authorization: Bearer",
        ),
        Refusal::WrongKey => (
            StatusCode::UNAUTHORIZED,
            "Acesso negado: esta chave não existe ou não vale mais",
            "There is no such key, or it is not valid any more",
        ),
        Refusal::TooMany { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "Acesso negado: muitas chaves erradas vieram deste endereço. Espere um momento",
            "Too many wrong keys came from this address: wait a moment",
        ),
        Refusal::Limited => (
            StatusCode::FORBIDDEN,
            "Acesso negado: esta chave só vale em /api. Aqui é preciso uma chave sem limites",
            "This key is for /api only",
        ),
        Refusal::Host => (
            StatusCode::FORBIDDEN,
            "Acesso negado: o nome em Host não é deste serviço. Use o endereço IP, um nome da rede local, ou envie uma chave",
            "The name in Host is not this service's: use its IP address, a name of the local network, or send a key",
        ),
        Refusal::CrossSite => (
            StatusCode::FORBIDDEN,
            "Acesso negado: a requisição vem da página de outro site",
            "The request comes from another site's page",
        ),
        Refusal::Head => (
            StatusCode::METHOD_NOT_ALLOWED,
            "Método não permitido nesta rota: GET mudaria algo, e HEAD nunca muda nada",
            "GET changes something here, and HEAD never does",
        ),
        Refusal::Loop => (
            StatusCode::LOOP_DETECTED,
            "Acesso negado: a requisição foi feita pelo próprio serviço",
            "This service made the request itself",
        ),
    };
    let mut response = errors::on(surface, status, english, portuguese);
    let fixed = HeaderValue::from_static;
    let (name, value) = match refusal {
        Refusal::NoKey | Refusal::WrongKey => (WWW_AUTHENTICATE, fixed("Bearer")),
        Refusal::TooMany { secs } => (RETRY_AFTER, secs.into()),
        Refusal::Head => (ALLOW, fixed("GET")),
        Refusal::Limited | Refusal::Host | Refusal::CrossSite | Refusal::Loop => return response,
    };
    response.headers_mut().insert(name, value);
    response
}

/// Cuts a stream off when the key or the sign-in that it was opened with ends.
pub(crate) fn bound(http: &Http, basis: Basis, response: Response) -> Response {
    let http = http.clone();
    until::bound(async move { http.access.ended(&basis).await }, response)
}
