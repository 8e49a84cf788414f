//! The operations on the pictures of listings.

use std::time::Duration;

use chassis::ClientAddress;
use input::{Header, Parameter, Query};
use pictures::InvalidPicture;
use poem::{http::StatusCode, web::Data};
use poem_openapi::{ApiResponse, OpenApi, param::Path};
use problem::{Problem, problem_responses, unsupported_media_type};
use token::SignedIn;
use values::TicketId;

use super::{
    app::{App, Tag},
    image_file::{JpegFile, UploadedImage},
    parameters::{EntityTags, ImageHash, ImageWidth},
    picture_queue::NotConverted,
    responses::TicketChanged,
};
use crate::{
    domain::ImageSize,
    store,
    use_cases::{Edit, check_image_edit, remove_image, set_image},
};

/// The URL of a picture contains its hash: what is there never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Without the hash, the picture can change at any time.
const REVALIDATE: &str = "no-cache";

/// The operations on the pictures of listings.
#[derive(Debug)]
pub struct ImagesApi;

#[derive(ApiResponse)]
enum ImageRead {
    /// The picture.
    #[oai(status = 200)]
    File(
        JpegFile,
        /// The picture and its size.
        #[oai(header = "ETag")]
        String,
        /// A year with `hash`, else `no-cache`.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The client has the picture that `If-None-Match` names.
    #[oai(status = 304)]
    NotModified(
        /// The picture and its size.
        #[oai(header = "ETag")]
        String,
        /// A year with `hash`, else `no-cache`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum ImageRemoved {
    /// The ticket has no picture.
    #[oai(status = 204)]
    Removed,
}

problem_responses! {
    /// Why a picture is not shown.
    GetImageProblem {
        404 => "There is no such ticket, or it has no picture, or not the one that `hash` names.",
    }
}

problem_responses! {
    /// Why a picture is not set.
    SetImageProblem {
        400 => "`invalid-image`: the file is damaged, incomplete or animated.",
        403 => "Only its seller can change a ticket.",
        404 => "There is no such ticket.",
        409 => "`ticket-withdrawn`, or `image-limit`: your pictures occupy too much space.",
        412 => "The ticket was changed since the state that If-Match names.",
        413 => "The file has more than 5 MiB, or the picture more than 40 megapixels.",
        415 => "The file is no JPEG, PNG or WebP, or another one than its `Content-Type` states.",
        429 => "Another picture of yours is converted, or many others wait. Try again after `Retry-After` seconds.",
    }
}

problem_responses! {
    /// Why a picture is not removed.
    RemoveImageProblem {
        403 => "Only its seller can change a ticket.",
        404 => "There is no such ticket.",
        412 => "The ticket was changed since the state that If-Match names.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Tickets")]
impl ImagesApi {
    /// Get the picture of a ticket
    ///
    /// A JPEG of at most 1600 or 640 pixels in width. The `image.url` of a ticket contains the hash of the picture, and may be
    /// stored for a year.
    #[oai(path = "/:ticketId/image", method = "get", operation_id = "getTicketImage")]
    async fn get(
        &self,
        app: Data<&App>,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The width at which it is to be shown, in pixels. Up to 640, the small file is sent.
        width: Query<Option<Parameter<ImageWidth>>>,
        /// The hash of the picture, as in `image.url`. Another picture is not sent.
        hash: Query<Option<Parameter<ImageHash>>>,
        /// The `ETag` of the picture that the client has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<Parameter<EntityTags>>>,
    ) -> Result<ImageRead, GetImageProblem> {
        let size = width.0.map_or(ImageSize::Large, |width| ImageSize::at_least(width.0));
        let id = id.0;
        let file = app.db.read(move |conn| store::image_file(conn, id, size));
        let hash = hash.0.map(|hash| hash.0);
        let file = file
            .await?
            .filter(|file| hash.as_ref().is_none_or(|hash| *hash == file.hash))
            .ok_or_else(|| Problem::not_found(format_args!("There is no such picture of the ticket {id}.")))?;
        let cache_control = if hash.is_some() { IMMUTABLE } else { REVALIDATE }.to_owned();
        let tag = format!("\"{}-{}\"", file.hash, size.name());
        let known = if_none_match.0.map(|tags| tags.0);
        Ok(if known.is_some_and(|known| known.matches(&tag)) {
            ImageRead::NotModified(tag, cache_control)
        } else {
            ImageRead::File(JpegFile(file.bytes), tag, cache_control)
        })
    }

    /// Set the picture of a ticket
    ///
    /// The file is reduced to its pixels, without metadata such as the place of a photo, and stored as JPEG in two sizes.
    #[oai(path = "/:ticketId/image", method = "put", operation_id = "setTicketImage")]
    async fn set(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the ticket that the seller has seen; `*` or no header for any state.
        #[oai(name = "If-Match")]
        if_match: Header<Option<Parameter<EntityTags>>>,
        image: UploadedImage,
    ) -> Result<TicketChanged, SetImageProblem> {
        let edit = Edit::new(id.0, seller.user_id, client, if_match.0.map(|tags| tags.0));
        let checked = edit.clone();
        app.db.read(move |conn| check_image_edit(conn, &checked)).await?;
        let UploadedImage { file, format } = image;
        let picture = app.pictures.convert(seller.user_id, file, format).await?;
        let now = app.clock.now();
        let listing = app.db.write(move |tx| set_image(tx, now, &edit, &picture)).await?;
        Ok(TicketChanged::new(listing, app.limits, now))
    }

    /// Remove the picture of a ticket
    ///
    /// Removing it again changes nothing.
    #[oai(path = "/:ticketId/image", method = "delete", operation_id = "removeTicketImage")]
    async fn remove(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the ticket that the seller has seen; `*` or no header for any state.
        #[oai(name = "If-Match")]
        if_match: Header<Option<Parameter<EntityTags>>>,
    ) -> Result<ImageRemoved, RemoveImageProblem> {
        let edit = Edit::new(id.0, seller.user_id, client, if_match.0.map(|tags| tags.0));
        let now = app.clock.now();
        app.db.write(move |tx| remove_image(tx, now, &edit)).await?;
        Ok(ImageRemoved::Removed)
    }
}

impl From<NotConverted> for Problem {
    fn from(error: NotConverted) -> Self {
        match error {
            NotConverted::Busy => {
                let detail = "Another picture of yours is converted, or many others wait.";
                Self::too_many_requests(detail, Duration::from_secs(2)).code("busy")
            }
            NotConverted::Invalid(error @ InvalidPicture::OtherFormat(_)) => unsupported_media_type(None).detail(error),
            NotConverted::Invalid(error @ InvalidPicture::TooLarge) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload-too-large",
                "The body is too large",
            )
            .detail(error),
            NotConverted::Invalid(error @ (InvalidPicture::Animated | InvalidPicture::Damaged)) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid-image", "The picture cannot be used").detail(error)
            }
        }
    }
}
