//! How a group presents itself: picture, description and subject.

use colmeia::operations::{GetPicture, SetGroupPicture, SetGroupSubject};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::files::FileArg;
use super::super::models::{PictureUrl, Success};
use super::super::profile::image;
use super::super::session::Session;
use super::{GroupArgs, GroupId, named};

/// A group's new description.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct DescriptionArgs {
    /// The group.
    #[schema(value_type = String)]
    pub(in super::super) id: GroupId,
    /// Empty takes it away.
    pub(in super::super) description: String,
}

/// A group's new subject.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct SubjectArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// The subject.
    #[schema(min_length = 1, max_length = 100)]
    subject: String,
}

/// A group's new picture.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PictureArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// The picture.
    file: FileArg,
}

pub(in super::super) async fn picture(session: Session, args: GroupArgs) -> Answered<PictureUrl> {
    let operation = GetPicture { of: args.id.0.into(), refresh: args.refresh };
    Ok(Json(PictureUrl::of(session.operate(operation).await?)))
}

pub(in super::super) async fn set_picture(session: Session, args: PictureArgs) -> Answered<Success> {
    session.me()?;
    let file = image(&session, args.file).await?;
    let operation = SetGroupPicture { group: args.id.0, mimetype: Some(file.mimetype) };
    session.operate_with(operation, Some(file.upload)).await?;
    Ok(Json(Success::YES))
}

pub(in super::super) async fn set_subject(session: Session, args: SubjectArgs) -> Answered<Success> {
    named("subject", &args.subject)?;
    session.carry_out(SetGroupSubject { group: args.id.0, subject: args.subject }).await
}
