use events::{AccountStatus, AdmissionState, CancelReason, OrderStatus};
use values::{Language, Timestamp};

use super::{Account, Admission, Listing, Mail, MailKind, Sale};

/// What a mail is written from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Material {
    pub(crate) mail: Mail,
    /// The address that it is sent to.
    pub(crate) address: String,
    pub(crate) language: Language,
    /// The name of its account's user.
    pub(crate) name: Option<String>,
    pub(crate) listing: Option<Listing>,
    pub(crate) sale: Option<Sale>,
    /// The tickets to attach.
    pub(crate) admissions: Vec<Admission>,
}

/// Whether a mail can be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Gathered {
    /// It can.
    Ready(Box<Material>),
    /// This has not arrived yet.
    Missing(&'static str),
    /// It is of no use any more, for this reason.
    Superseded(&'static str),
}

impl Material {
    /// Decides whether a mail can be sent, by what is known at this time. `admissions` are those of its order, or the one that
    /// it is about.
    pub(crate) fn gather(
        mail: Mail,
        account: Option<Account>,
        listing: Option<Listing>,
        sale: Option<Sale>,
        admissions: Vec<Admission>,
        now: Timestamp,
    ) -> Gathered {
        if mail.is_expired(now) {
            return Gathered::Superseded("the link has expired");
        }
        let is_deleted = account
            .as_ref()
            .is_some_and(|account| account.status == AccountStatus::Deleted);
        if is_deleted && !mail.kind.survives_deletion() {
            return Gathered::Superseded("the account is deleted");
        }
        if mail.kind == MailKind::ConfirmEmail && is_confirmed(account.as_ref(), &mail) {
            return Gathered::Superseded("the address is confirmed");
        }
        if mail.ticket_id.is_some() && listing.is_none() {
            return Gathered::Missing("the listing");
        }
        if let Some(gathered) = check_order(&mail, sale.as_ref(), &admissions) {
            return gathered;
        }
        let address = mail
            .address
            .clone()
            .or_else(|| account.as_ref().and_then(|account| account.email.clone()));
        let language = mail
            .language
            .or_else(|| account.as_ref().map(|account| account.language));
        let (Some(address), Some(language)) = (address, language) else {
            return Gathered::Missing("the account");
        };
        let is_attached = |admission: &Admission| {
            mail.kind.has_tickets()
                && admission.state == AdmissionState::Valid
                && Some(admission.holder_id) == mail.account_id
        };
        Gathered::Ready(Box::new(Self {
            address,
            language,
            name: account.and_then(|account| account.name),
            listing,
            sale,
            admissions: admissions.into_iter().filter(is_attached).collect(),
            mail,
        }))
    }
}

fn is_confirmed(account: Option<&Account>, mail: &Mail) -> bool {
    account.is_some_and(|account| account.email_confirmed_at.is_some() && account.email == mail.address)
}

/// Checks the order and the admissions of a mail. Returns `None` if they are as the mail needs them.
fn check_order(mail: &Mail, sale: Option<&Sale>, admissions: &[Admission]) -> Option<Gathered> {
    let is_mine = |admission: &&Admission| {
        admission.state == AdmissionState::Valid && Some(admission.holder_id) == mail.account_id
    };
    match mail.kind {
        MailKind::OrderConfirmed => {
            let Some(sale) = sale else {
                return Some(Gathered::Missing("the order"));
            };
            if !sale.has_tickets() {
                return Some(Gathered::Superseded("the tickets are refunded"));
            }
            if admissions.len() < usize::try_from(sale.quantity).unwrap_or(usize::MAX) {
                return Some(Gathered::Missing("tickets of the order"));
            }
            let has_none = !admissions.iter().any(|admission| is_mine(&admission));
            has_none.then_some(Gathered::Superseded("no ticket of the order is valid and the buyer's"))
        }
        MailKind::OrderExpired => {
            let expired = sale.is_none_or(|sale| {
                sale.status == OrderStatus::Cancelled && sale.cancel_reason == Some(CancelReason::Expired)
            });
            (!expired).then_some(Gathered::Superseded("the order has not expired"))
        }
        MailKind::TicketReceived => match admissions.first() {
            None => Some(Gathered::Missing("the ticket")),
            Some(admission) if Some(admission.version) < mail.details.admission_version => {
                Some(Gathered::Missing("the transferred ticket"))
            }
            Some(admission) => {
                let is_gone = !is_mine(&admission);
                is_gone.then_some(Gathered::Superseded(
                    "the ticket is not valid, or not the recipient's any more",
                ))
            }
        },
        _ => None,
    }
}
