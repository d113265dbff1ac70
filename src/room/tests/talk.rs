use super::*;

#[test]
fn who_comes_later_reads_what_was_said() {
    let mut theater = Theater::open(&["Bo"]);
    theater.ask(Some(0), Say(Words::from("hello\u{202e} there\n")));
    let late = theater.join(app("Cy"), "Cy");
    let expected = ["Bo is here.", "Bo: hello there", "Cy is here."];
    assert_eq!(chat(&theater.host), expected);
    assert_eq!(chat(&theater.guests[late]), expected);
}

#[test]
fn ten_thousand_lines_come_to_five_and_disturb_nobody() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    for number in 0..10_000 {
        theater.guests[0].world_mut().trigger(Say(Words::from(format!("line {number}"))));
    }
    theater.guests[0].world_mut().flush();
    theater.rounds(6);
    let lines = chat(&theater.guests[1]);
    assert_eq!(lines.iter().filter(|line| line.starts_with("Bo: ")).count(), 5);
    assert_eq!(people(&mut theater.guests[1]).len(), 2, "Bo was shown the door");
    theater.ask(Some(1), Say(Words::from("well")));
    assert_eq!(chat(&theater.host).last().unwrap(), "Cy: well");
}

#[test]
fn a_key_that_is_pressed_without_end_leaves_the_talk_readable_and_its_last_word_is_told() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(None);
    theater.all_ready();
    theater.ask(Some(1), Say(Words::from("a word to keep")));
    // Fifteen seconds of twenty presses a second.
    for _ in 0..301 {
        theater.guests[0].world_mut().trigger(Ask::Toggle);
        theater.guests[0].world_mut().flush();
        theater.rounds(1);
    }
    theater.rounds(60);
    let plays = playback(&mut theater.host).plays(theater.host.world().resource::<Now>().room());
    let lines = chat(&theater.guests[1]);
    let deeds: Vec<_> = lines.iter().filter(|line| line.starts_with("Bo p")).collect();
    assert!((5..=25).contains(&deeds.len()), "{deeds:?}");
    assert_eq!(deeds.last().unwrap().starts_with("Bo pressed play"), plays, "{deeds:?}");
    assert!(lines.contains(&"Cy: a word to keep".to_owned()));
}

#[test]
fn what_the_room_tells_pushes_nothing_out_that_was_said() {
    let mut theater = Theater::open(&["Bo"]);
    theater.ask(Some(0), Say(Words::from("a word to keep")));
    for _ in 0..130 {
        theater.ask(None, Moderation::Lock);
        theater.ask(None, Moderation::Unlock);
    }
    for lines in [chat(&theater.host), chat(&theater.guests[0])] {
        assert!(lines.contains(&"Bo: a word to keep".to_owned()) && lines.len() == 101, "{} lines", lines.len());
    }
}

#[test]
fn the_chat_keeps_two_hundred_lines() {
    let mut theater = Theater::open(&["Bo"]);
    for number in 0..250 {
        theater.ask(None, Say(Words::from(format!("line {number}"))));
        theater.rounds(17);
    }
    assert_eq!((chat(&theater.host).len(), chat(&theater.guests[0]).len()), (200, 200));
    assert_eq!(chat(&theater.guests[0]).last().unwrap(), "Ann: line 249");
    let late = theater.join(app("Cy"), "Cy");
    let read = chat(&theater.guests[late]);
    assert_eq!((read.len(), read.last().unwrap().as_str()), (200, "Cy is here."));
    assert_eq!(read[..199], chat(&theater.host)[..199], "who comes later reads all of it");
}

#[test]
fn a_line_has_five_hundred_characters_at_most_and_the_sixth_in_five_seconds_waits() {
    let mut theater = Theater::open(&["Bo"]);
    theater.ask(Some(0), Say(Words::from("é".repeat(600))));
    assert_eq!(chat(&theater.host).last().unwrap(), &format!("Bo: {}", "é".repeat(500)));
    for number in 1..6 {
        assert!(!said(&theater.guests[0]).contains("Slower, please"), "after {number} lines");
        theater.ask(Some(0), Say(Words::from(format!("line {number}"))));
    }
    assert!(said(&theater.guests[0]).contains("Slower, please: five lines in five seconds are the most."));
    assert_eq!(chat(&theater.host).last().unwrap(), "Bo: line 4");
}
