//! The operations on admissions, for their holders.

use input::{Parameter, Query};
use pagination::{Cursor, CursorScope, Limit, Page};
use passes::{MAX_PASSES, SignedCode};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Path,
    payload::{Binary, Json},
};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::{AdmissionId, OrderId, UserId};

use super::{
    admission_views::AdmissionView,
    app::{App, Tag},
    parameters::AdmissionNumber,
};
use crate::{
    domain::{ShownAdmission, pass},
    store,
};

/// Neither browsers nor proxies store a code.
const CACHE_CONTROL: &str = "private, no-store";

/// The operations on admissions.
#[derive(Debug)]
pub struct AdmissionsApi;

#[derive(ApiResponse)]
enum AdmissionPage {
    /// The admissions.
    #[oai(status = 200)]
    Page(
        Json<Page<AdmissionView>>,
        /// `private, no-store`: the page has codes.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum AdmissionRead {
    /// The admission.
    #[oai(status = 200)]
    Read(
        Json<AdmissionView>,
        /// `private, no-store`: it has a code.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum QrSvg {
    /// The QR code.
    #[oai(status = 200, content_type = "image/svg+xml")]
    Drawn(
        Binary<Vec<u8>>,
        /// `private, no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum QrPng {
    /// The QR code.
    #[oai(status = 200, content_type = "image/png")]
    Drawn(
        Binary<Vec<u8>>,
        /// `private, no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum PassPdf {
    /// The document.
    #[oai(status = 200, content_type = "application/pdf")]
    Printed(
        Binary<Vec<u8>>,
        /// `private, no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

problem_responses! {
    /// Why admissions are not listed.
    ListAdmissionsProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
    }
}

problem_responses! {
    /// Why an admission is not shown.
    GetAdmissionProblem {
        404 => "You have no such admission.",
    }
}

problem_responses! {
    /// Why the code of an admission is not drawn.
    GetCodeProblem {
        404 => "You hold no such admission.",
        409 => "`admission-not-valid`: it was used, or is void.",
    }
}

problem_responses! {
    /// Why the passes of an order are not printed.
    GetPassesProblem {
        400 => "`orderId` is missing or malformed.",
        404 => "You hold no valid admission of this order.",
    }
}

#[OpenApi(prefix_path = "/api/v1/admissions", tag = "Tag::Admissions")]
impl AdmissionsApi {
    /// List your admissions
    ///
    /// One for each ticket of a complete order, in the order of their issue. With `orderId` those of that order which you have
    /// bought or hold. A ticket that you gave to somebody else is theirs: only they get its code, although the order is yours.
    /// A list may be a moment behind the order.
    #[oai(path = "/", method = "get", operation_id = "listAdmissions")]
    async fn list(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// Only admissions of this order.
        #[oai(name = "orderId")]
        order: Query<Option<OrderId>>,
        /// The maximum number of admissions.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<AdmissionPage, ListAdmissionsProblem> {
        let (user, order, limit) = (user.user_id, order.0, limit.0);
        let scope = CursorScope::new("listAdmissions", &(user, order));
        let after = scope.position(cursor.0)?;
        let read = move |conn: &rusqlite::Connection| match order {
            Some(order) => store::admissions_of_user_in_order(conn, user, order, after, limit.rows()),
            None => store::admissions_of_holder(conn, user, after, limit.rows()),
        };
        let rows: Vec<ShownAdmission> = app.db.read(read).await?;
        let position = |shown: &ShownAdmission| match order {
            Some(_) => i64::from(shown.admission.state().number),
            None => shown.row,
        };
        let mut views = Vec::new();
        for shown in rows {
            let position = position(&shown);
            views.push((position, view(&app, shown, user)?));
        }
        let page = Page::from_rows(views, &scope, limit, |row| row.0, |row| row.1);
        Ok(AdmissionPage::Page(Json(page), CACHE_CONTROL.to_owned()))
    }

    /// Get an admission
    ///
    /// Of a ticket that you hold, or have bought.
    #[oai(path = "/:admissionId", method = "get", operation_id = "getAdmission")]
    async fn get(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
    ) -> Result<AdmissionRead, GetAdmissionProblem> {
        let shown = find(&app, id.0).await?;
        if !shown.is_visible_to(user.user_id) {
            return Err(admission_not_found(id.0).denied().into());
        }
        let view = view(&app, shown, user.user_id)?;
        Ok(AdmissionRead::Read(Json(view), CACHE_CONTROL.to_owned()))
    }

    /// Get a QR code as SVG
    ///
    /// Of a valid admission that you hold.
    #[oai(path = "/:admissionId/qr.svg", method = "get", operation_id = "getAdmissionQrSvg")]
    async fn qr_svg(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
    ) -> Result<QrSvg, GetCodeProblem> {
        let (_, code) = held(&app, user.user_id, id.0).await?;
        let draw = move || passes::svg(&code.text());
        let drawn = app.renderer.render(user.user_id, draw).await?;
        Ok(QrSvg::Drawn(Binary(drawn.into_bytes()), CACHE_CONTROL.to_owned()))
    }

    /// Get a QR code as PNG
    ///
    /// Of a valid admission that you hold.
    #[oai(path = "/:admissionId/qr.png", method = "get", operation_id = "getAdmissionQrPng")]
    async fn qr_png(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
    ) -> Result<QrPng, GetCodeProblem> {
        let (_, code) = held(&app, user.user_id, id.0).await?;
        let draw = move || passes::png(&code.text());
        let drawn = app.renderer.render(user.user_id, draw).await?;
        Ok(QrPng::Drawn(Binary(drawn), CACHE_CONTROL.to_owned()))
    }

    /// Print an admission
    ///
    /// A PDF page (A4) of a valid admission that you hold, in the language of your account: title, venue, local time, holder,
    /// QR code.
    #[oai(path = "/:admissionId/pass.pdf", method = "get", operation_id = "getAdmissionPass")]
    async fn pass(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
    ) -> Result<PassPdf, GetCodeProblem> {
        let printed = held(&app, user.user_id, id.0).await?;
        print(&app, user.user_id, vec![printed]).await.map_err(Into::into)
    }

    /// Print the admissions of an order
    ///
    /// A PDF with a page for each valid admission of the order that you hold, at most 100; continue after the `number` of the last one.
    #[oai(
        path = "/orders/:orderId/passes.pdf",
        method = "get",
        operation_id = "getOrderPasses"
    )]
    async fn passes(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The order.
        #[oai(name = "orderId")]
        order: Path<OrderId>,
        /// Only admissions with a higher number.
        after: Query<Option<Parameter<AdmissionNumber>>>,
    ) -> Result<PassPdf, GetPassesProblem> {
        let (user, order, after) = (user.user_id, order.0, after.0.map(|after| i64::from(after.0)));
        let limit = u32::try_from(MAX_PASSES).unwrap_or(u32::MAX);
        let shown = app
            .db
            .read(move |conn| store::admissions_of_user_in_order(conn, user, order, after, limit))
            .await?;
        let mut printed = Vec::new();
        for shown in shown {
            if shown.is_held_by(user) && shown.admission.is_valid() {
                let code = read_code(&app, &shown)?;
                printed.push((shown, code));
            }
        }
        if printed.is_empty() {
            let what = format!("You hold no valid admission of the order {order}.");
            return Err(Problem::not_found(what).into());
        }
        print(&app, user, printed).await.map_err(Into::into)
    }
}

pub(super) fn admission_not_found(id: AdmissionId) -> Problem {
    Problem::not_found(format_args!("You have no admission {id}."))
}

async fn find(app: &App, id: AdmissionId) -> Result<ShownAdmission, Problem> {
    let shown = app.db.read(move |conn| store::shown_admission(conn, id)).await?;
    shown.ok_or_else(|| admission_not_found(id))
}

fn read_code(app: &App, shown: &ShownAdmission) -> Result<SignedCode, Problem> {
    let state = shown.admission.state();
    app.codes
        .read(state.id, &state.code)
        .map_err(|error| Problem::internal(&error))
}

fn view(app: &App, shown: ShownAdmission, user: UserId) -> Result<AdmissionView, Problem> {
    AdmissionView::new(shown, user, app.clock.now(), &app.codes).map_err(|error| Problem::internal(&error))
}

/// Returns a valid admission that the user holds, with its code.
async fn held(app: &App, user: UserId, id: AdmissionId) -> Result<(ShownAdmission, SignedCode), Problem> {
    let shown = find(app, id).await?;
    if !shown.is_held_by(user) {
        return Err(admission_not_found(id).denied());
    }
    if !shown.admission.is_valid() {
        return Err(Problem::conflict("admission-not-valid", "The ticket cannot be used")
            .detail("It was used, or it is void: it has no code any more."));
    }
    let code = read_code(app, &shown)?;
    Ok((shown, code))
}

async fn print(app: &App, user: UserId, admissions: Vec<(ShownAdmission, SignedCode)>) -> Result<PassPdf, Problem> {
    let Some(ticket) = admissions.first().map(|(shown, _)| shown.admission.state().ticket_id) else {
        return Err(Problem::not_found("There is nothing to print."));
    };
    let read = move |conn: &rusqlite::Connection| -> Result<_, db::Error> {
        Ok((store::listing(conn, ticket)?, store::mail_account(conn, user)?))
    };
    let (listing, account) = app.db.read(read).await?;
    let listing = listing.ok_or_else(|| super::problems::ticket_not_found(ticket))?;
    let language = account.map(|(_, language)| language).unwrap_or_default();
    let passes = admissions
        .iter()
        .map(|(shown, code)| pass(shown, &listing, code, language))
        .collect();
    let document = app.renderer.pdf(user, passes).await?;
    Ok(PassPdf::Printed(Binary(document), CACHE_CONTROL.to_owned()))
}
