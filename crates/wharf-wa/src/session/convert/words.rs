//! The words of messages that are shown by their kind alone: whoever cannot see what it is can read what it says.

use wacore::proto_helpers::MessageExt as _;
use waproto::whatsapp as wa;

/// What a message of a kind that is not shown says in words.
pub(super) fn of(base: &wa::Message) -> Option<String> {
    let mut words: Vec<&str> = Vec::new();
    macro_rules! said {
        ($($kind:ident: $($field:ident),+;)+) => {
            $(if let Some(message) = base.$kind.as_option() {
                $(words.extend(message.$field.as_deref());)+
            })+
        };
    }
    macro_rules! inside {
        ($($kind:ident.$part:ident: $($field:ident),+;)+) => {
            $(if let Some(part) = base.$kind.as_option().and_then(|message| message.$part.as_option()) {
                $(words.extend(part.$field.as_deref());)+
            })+
        };
    }
    said! {
        event_message: name, description;
        event_invite_message: event_title, caption;
        group_invite_message: group_name, caption;
        newsletter_admin_invite_message: newsletter_name, caption;
        newsletter_follower_invite_message_v2: newsletter_name, caption;
        location_message: name, address;
        live_location_message: caption;
        list_message: title, description, footer_text;
        list_response_message: title, description;
        buttons_message: content_text, footer_text;
        template_button_reply_message: selected_display_text;
        product_message: body, footer;
        order_message: order_title, message;
        sticker_pack_message: name, caption;
        poll_result_snapshot_message: name;
        poll_result_snapshot_message_v3: name;
        scheduled_call_creation_message: title;
        question_response_message: text;
        status_question_answer_message: text;
        invoice_message: note;
    }
    inside! {
        interactive_message.header: title, subtitle;
        interactive_message.body: text;
        interactive_message.footer: text;
        interactive_response_message.body: text;
        product_message.product: title, description;
        template_message.hydrated_template: hydrated_content_text, hydrated_footer_text;
        send_payment_message.note_message: conversation;
        request_payment_message.note_message: conversation;
    }
    if let Some(wa::message::buttons_response_message::Response::SelectedDisplayText(text)) =
        base.buttons_response_message.as_option().and_then(|reply| reply.response.as_ref())
    {
        words.push(text);
    }
    words.extend(base.text_content());
    words.retain(|text| !text.trim().is_empty());
    (!words.is_empty()).then(|| words.join("\n"))
}
