//! Destroying with keys: how it is reached, what it says, and what it wants typed.

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::Dialog;
use proxdeck::app::keymap::{Combo, Context, Keymap};
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::operation::Operation;

use crate::world::{Desk, guest, runs};

fn stopped(number: u64, name: &str) -> Guest {
    Guest {
        status: Status::Stopped,
        ..guest(number, name)
    }
}

/// Presses the keys that type a text.
fn type_text(desk: &mut Desk, text: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for letter in text.chars() {
        effects.extend(desk.happen(Event::Key(Combo::char(letter))));
    }
    effects
}

/// Opens the form by its name in the palette.
fn open(desk: &mut Desk) -> Vec<Effect> {
    desk.press(":");
    type_text(desk, "destroy the guest");
    desk.press("Enter")
}

fn answer_config(desk: &mut Desk, effects: &[Effect], options: &[(&str, &str)]) {
    for effect in effects {
        if let Effect::Fetch(ticket, Query::Config(_)) = effect {
            let options = options
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).into()));
            let config = Box::new(GuestConfig::new(options, None));
            desk.happen(Event::Fetched(*ticket, Ok(Answer::Config(config))));
        }
    }
}

/// Returns what the form says: its preview, then its objections.
fn said(desk: &Desk) -> String {
    let Some(Dialog::Form(dialog)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    let preview = dialog.form.preview.iter().map(|line| line.text.clone());
    let checked = dialog.form.checked.as_ref();
    let objections = checked.err().into_iter().flatten();
    let lines: Vec<String> = preview.chain(objections.map(ToString::to_string)).collect();
    lines.join("\n")
}

#[test]
fn it_wants_number_and_name_typed_and_neither_enter_nor_y_nor_half_of_it_does() {
    let mut desk = Desk::with(vec![stopped(104, "agent-build-4")]);
    open(&mut desk);
    assert_eq!(runs(&desk.press("Enter")), 0);
    assert_eq!(desk.state.dialogs.len(), 1, "a bare Enter does nothing");
    for wrong in ["y", "104", "agent-build-4", "104=", "104=agent-build-"] {
        desk.press("Ctrl-u");
        type_text(&mut desk, wrong);
        assert_eq!(runs(&desk.press("Enter")), 0, "{wrong}");
    }
    desk.press("Ctrl-u");
    desk.happen(Event::Paste("104=agent-build-4".into()));
    assert_eq!(runs(&desk.press("Enter")), 0, "it is typed by a person");
    type_text(&mut desk, "104=agent-build-4");
    let effects = desk.press("Enter");
    let Some(Effect::Run(_, Operation::Destroy(operation))) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(operation.guest().vmid.get(), 104);
    assert!(!operation.purges());
    assert_eq!(operation.stamp(), None);
}

#[test]
fn a_guest_without_a_name_is_its_number_and_the_sign_as_is_one_whose_name_cannot_be_typed() {
    for (name, typed) in [
        (None, "104="),
        (Some("VM 104"), "104="),
        (Some("b\u{fc}cher\u{202e}"), "104="),
    ] {
        let mut desk = Desk::with(vec![Guest {
            name: name.map(Into::into),
            ..stopped(104, "")
        }]);
        open(&mut desk);
        type_text(&mut desk, typed);
        assert_eq!(runs(&desk.press("Enter")), 1, "{name:?}");
    }
}

#[test]
fn high_availability_wants_the_switch_for_purge() {
    let mut desk = Desk::with(vec![Guest {
        ha_state: Some("stopped".into()),
        ..stopped(104, "one")
    }]);
    open(&mut desk);
    type_text(&mut desk, "104=one");
    assert!(
        said(&desk).contains("goes only with purge"),
        "{}",
        said(&desk)
    );
    assert_eq!(runs(&desk.press("Enter")), 0);
    let effects = desk.press("Tab Space Enter");
    let operation = effects.iter().find_map(|effect| match effect {
        Effect::Run(_, operation) => Some(operation),
        _ => None,
    });
    let call = operation.unwrap().calls().remove(0);
    assert_eq!(call.to_string(), "DELETE /nodes/pve1/qemu/104  purge=1");
}

#[test]
fn it_says_what_goes_and_a_protected_guest_stays() {
    let mut desk = Desk::with(vec![Guest {
        pool: Some("alpha".parse().unwrap()),
        template: true,
        ..stopped(104, "one")
    }]);
    let effects = open(&mut desk);
    assert!(said(&desk).contains("reading its disks"), "{}", said(&desk));
    answer_config(
        &mut desk,
        &effects,
        &[
            ("scsi0", "vmstore:vm-104-disk-0,size=20G"),
            ("scsi1", "vmstore:vm-104-disk-1,size=1G"),
            ("unused0", "vmstore:vm-104-disk-2"),
            ("protection", "1"),
        ],
    );
    let said = said(&desk);
    for words in [
        "scsi0 · 20.0 GiB · vmstore:vm-104-disk-0",
        "21.0 GiB in all",
        "1 volume that is set aside",
        "its firewall rules, rights on it, its place in pool alpha",
        "its backups stay",
        "it is a template",
        "it is protected",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    type_text(&mut desk, "104=one");
    assert_eq!(runs(&desk.press("Enter")), 0);
}

#[test]
fn a_guest_that_runs_is_dim_everywhere_and_says_why() {
    let mut desk = Desk::with(vec![guest(104, "one")]);
    open(&mut desk);
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(desk.toast(), "destroy: running; stop it first");
    desk.press("P G Enter");
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(desk.toast(), "destroy: running; stop it first");
}

#[test]
fn the_menu_of_power_ends_with_it_and_never_begins_there() {
    let mut desk = Desk::with(vec![stopped(104, "one")]);
    desk.press("P");
    let Some(Dialog::Power(menu)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(menu.row, 0);
    desk.press("G Enter");
    let Some(Dialog::Form(dialog)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(dialog.form.title, "Destroy 104 one on pve1");
}

#[test]
fn a_menu_whose_guest_is_gone_does_nothing_to_the_one_under_the_cursor() {
    let mut desk = Desk::with(vec![stopped(104, "one"), stopped(105, "two")]);
    for (keys, told) in [
        ("P", "start: guest 104 is gone"),
        ("P G", "104 one is not there any more"),
    ] {
        desk.inventory(vec![stopped(104, "one"), stopped(105, "two")]);
        desk.press("g");
        desk.press(keys);
        desk.inventory(vec![stopped(105, "two")]);
        assert_eq!(runs(&desk.press("Enter")), 0, "{keys}");
        assert!(desk.state.dialogs.is_empty(), "{keys}");
        assert_eq!(desk.toast(), told);
    }
}

#[test]
fn it_has_no_key_of_its_own_and_may_be_given_one() {
    let action = |keymap: &Keymap| keymap.action(Context::Guests, "F8".parse().unwrap());
    assert_eq!(action(&Keymap::default()), None);
    let change = [("destroy".to_owned(), vec!["F8".to_owned()])];
    let keymap = Keymap::new(&change).unwrap();
    assert_eq!(action(&keymap).unwrap().name(), "destroy");
}
