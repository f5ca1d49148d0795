//! The figures of all sizes, as Markdown tables.

use super::figure::{Figure, Figures, Row, count, size_of, time};

pub fn print(rows: &[&Row]) {
    bulk("first upload", rows, |figures| &figures.upload);
    bulk("second device, all", rows, |figures| &figures.download);
    println!(
        "\n| N stored | nothing changed: wall / RTT20 / CPU / bytes / round trips | 10 changed: the same |"
    );
    println!("| --- | --- | --- |");
    for Row { who, size, direct, delayed } in rows {
        let nothing = small(&direct.nothing, &delayed.nothing);
        println!("| {who}, {size} | {nothing} | {} |", small(&direct.ten, &delayed.ten));
    }
}

fn bulk(what: &str, rows: &[&Row], of: impl Fn(&Figures) -> &Figure) {
    println!(
        "\n| {what} | N | wall | wall, RTT20 | client CPU | server CPU | RSS | bytes up | bytes down | round trips |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for Row { who, size, direct, delayed } in rows {
        let f = of(direct);
        println!(
            "| {who} | {size} | {} | {} | {} | {} | {} | {} | {} | {} |",
            time(f.wall),
            time(of(delayed).wall),
            time(f.cpu),
            time(f.server_cpu),
            size_of(Some(f.rss)),
            size_of(f.bytes_up),
            size_of(f.bytes_down),
            count(f.round_trips)
        );
    }
}

fn small(f: &Figure, delayed: &Figure) -> String {
    let (wall, rtt20, cpu) = (time(f.wall), time(delayed.wall), time(f.cpu));
    format!("{wall} / {rtt20} / {cpu} / {} / {}", size_of(f.bytes()), count(f.round_trips))
}
