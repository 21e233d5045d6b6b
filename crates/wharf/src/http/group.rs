//! Groups over HTTP, one operation a file.

mod change_group_participants;
mod create_group;
mod decide_group_requests;
mod delete_group_picture;
mod get_group;
mod get_group_invite;
mod join_group;
mod leave_group;
mod list_group_requests;
mod list_groups;
mod revoke_group_invite;
mod set_group_picture;
mod update_group;

pub(super) use change_group_participants::change_group_participants;
pub(super) use create_group::create_group;
pub(super) use decide_group_requests::decide_group_requests;
pub(super) use delete_group_picture::delete_group_picture;
pub(super) use get_group::get_group;
pub(super) use get_group_invite::get_group_invite;
pub(super) use join_group::join_group;
pub(super) use leave_group::leave_group;
pub(super) use list_group_requests::list_group_requests;
pub(super) use list_groups::list_groups;
pub(super) use revoke_group_invite::revoke_group_invite;
pub(super) use set_group_picture::set_group_picture;
pub(super) use update_group::update_group;
