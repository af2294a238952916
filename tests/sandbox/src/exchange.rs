//! The course of one request: recorded, answered by its vendor, and marred by a fault if one waits.

use std::sync::Arc;

use axum::extract::{RawPathParams, Request};
use axum::http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::call::Call;
use crate::connection::Scissors;
use crate::control::Control;
use crate::fault::Fault;
use crate::vendor::Route;

/// Where requests are recorded that no endpoint answers to.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Answers a request to a vendor's endpoint.
pub(crate) async fn answer(
    control: Arc<Control>,
    route: Arc<Route>,
    scissors: Scissors,
    parameters: RawPathParams,
    request: Request,
) -> Answer {
    let call = Call::read(request, &parameters).await;
    let _visit = control.journal().enter(&route.endpoint, scissors.connection(), &call);
    match control.take_fault(&route.endpoint) {
        None => route.answer(&call),
        Some(fault) => mar(&fault, &route, &call, &scissors).await,
    }
}

/// Answers a request to anything else.
pub(crate) async fn answer_unmatched(
    control: Arc<Control>,
    status: StatusCode,
    scissors: Scissors,
    parameters: RawPathParams,
    request: Request,
) -> Answer {
    let call = Call::read(request, &parameters).await;
    let _visit = control.journal().enter(UNMATCHED, scissors.connection(), &call);
    let error = format!("the sandbox has no {} {}", call.method, call.uri.path());
    Answer::json(status, &json!({"error": error}))
}

/// The request takes effect first, so that whatever the fault keeps from the client has happened.
async fn mar(fault: &Fault, route: &Route, call: &Call, scissors: &Scissors) -> Answer {
    let answer = fault.is_processed().then(|| route.answer(call));
    let answer = fault.reshape(answer);
    tokio::time::sleep(fault.delay()).await;
    if fault.hang {
        std::future::pending::<()>().await;
    }
    if let Some(cut) = fault.cut {
        scissors.cut(cut, answer.body.len());
    }
    answer
}
