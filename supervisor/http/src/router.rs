//! The router: all routes, and the one layer that every request passes on its way to one.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower_http::cors::CorsLayer;

use crate::access::{Surface, guard};
use crate::places::{self, Reader};
use crate::state::Http;
use crate::{api, body, external, observe, routes, unmatched};
use colmeia_host::shares::Holder;

/// How long a browser may keep what it was told of an origin.
const PREFLIGHT: Duration = Duration::from_secs(600);

/// What every request passes, in one layer: each further one clones the service and boxes a future, for `/status` too.
async fn front(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    observe::Observed::begin(&request)
        .around(async move {
            let passed = guard::guard(&http, &mut request);
            let prefix = external::prefix_value(request.headers());
            let reader = Reader::of(request.uri().path());
            let holder = guard::holder(&http, &request);
            let begun = match &holder {
                Holder::Here => Ok(None),
                _ if passed.is_err() || guard::is_unlimited(&request) => Ok(None),
                holder => http.places.request(holder, Surface::of(request.uri().path())).map(Some),
            };
            request.extensions_mut().insert(holder.clone());
            let (response, begun) = match (passed, begun) {
                (Ok(None), Ok(begun)) => (body::collect(request, next, api::takes_file).await, begun),
                (Ok(Some(basis)), Ok(begun)) => {
                    (guard::bound(&http, basis, body::collect(request, next, api::takes_file).await), begun)
                }
                (Err(refused), _) | (_, Err(refused)) => (*refused, None),
            };
            let response = match reader {
                Some(reader) => http.places.seat(reader, &holder, response),
                None => response,
            };
            let response = match begun {
                Some(begun) => places::during(begun, response),
                None => response,
            };
            external::lead_below(prefix, response)
        })
        .await
}

/// All routes and what every request passes on its way to one.
pub(crate) fn router(http: Http) -> Router {
    let router = routes::all()
        .fold(api::docs(), |router, route| router.route(route.path, route.serve))
        .fallback(unmatched::unknown_route)
        .method_not_allowed_fallback(unmatched::wrong_method)
        .layer(from_fn_with_state(http.clone(), front));
    let router = match cors(&http.config.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.with_state(http)
}

/// What browsers are told of the origins whose pages may call: they may send a key, and no cookie. That they may ask
/// opens nothing; the key does.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let named = HeaderName::from_static;
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                named("x-api-key"),
                named("idempotency-key"),
                named("last-event-id"),
            ])
            .expose_headers([RETRY_AFTER, CONTENT_DISPOSITION])
            .max_age(PREFLIGHT)
    })
}
