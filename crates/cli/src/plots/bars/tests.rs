use super::*;

/// So many runs in so many groups, the scores falling from 38.4 to 0.
fn bars(runs: usize, groups: usize) -> Bars {
    let names =
        ["attention", "seq2seq", "both ways", "wide", "a run with a name that is longer than any name should be"];
    let score = |place: usize| 38.4 - 38.4 * place as f64 / (runs * groups).max(2) as f64;
    Bars {
        across: "words of the source",
        upwards: "BLEU",
        groups: (0..groups)
            .map(|group| if group == 0 { "1".to_owned() } else { format!("{group}0-{group}99") })
            .collect(),
        series: (0..runs)
            .map(|run| Series {
                name: names[run].to_owned(),
                scores: (0..groups).map(|group| score(run * groups + group)).collect(),
            })
            .collect(),
    }
}

/// What a shape covers.
struct Area {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Area {
    /// None of a line: it lies beneath everything.
    fn of(shape: &Shape, font: &Font) -> Option<Self> {
        match shape {
            Shape::Line { .. } => None,
            &Shape::Cell { x, y, width, height, .. } => {
                Some(Self { left: x, right: x + width, top: y, bottom: y + height })
            }
            &Shape::Text(Text { ref text, x, y, size, anchor, turn }) => {
                let (width, height) = (font.width(text, size), 2.0 * Text::HALF_LETTER * size);
                let before = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => width / 2.0,
                    Anchor::End => width,
                };
                Some(match turn == 0.0 {
                    true => Self { left: x - before, right: x - before + width, top: y - height, bottom: y },
                    false => Self { left: x - height, right: x, top: y + before - width, bottom: y + before },
                })
            }
        }
    }

    fn is_within(&self, picture: &Picture) -> bool {
        // Half of the number at the uppermost line is above the plot.
        let (air, above) = (MARGIN - 0.01, MARGIN / 2.0);
        self.left >= air
            && self.right <= picture.width - air
            && self.top >= above
            && self.bottom <= picture.height - air
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

#[test]
fn nothing_overlaps_and_nothing_is_cut_off() {
    let font = Font::new();
    for (runs, groups) in [1, 2, 5].into_iter().flat_map(|runs| [1, 6, 12].map(|groups| (runs, groups))) {
        let picture = picture(&bars(runs, groups));
        let covered = picture.shapes.iter().filter_map(|shape| Some((shape, Area::of(shape, &font)?)));
        let covered: Vec<(&Shape, Area)> = covered.collect();
        for (i, (shape, area)) in covered.iter().enumerate() {
            assert!(area.is_within(&picture), "{runs} runs, {groups} groups: {shape:?} is cut off");
            let met = covered[..i].iter().find(|(_, other)| area.meets(other)).map(|(other, _)| other);
            assert!(met.is_none(), "{runs} runs, {groups} groups: {shape:?} overlaps {met:?}");
        }
    }
}

#[test]
fn bars_are_as_high_as_their_scores() {
    let picture = picture(&bars(2, 3));
    let cells = picture.shapes.iter().filter_map(|shape| match *shape {
        Shape::Cell { x, y, height, ink, .. } => Some((x, y + height, height, ink)),
        _ => None,
    });
    // What comes after the bars is the legend.
    let bars: Vec<(f32, f32, f32, Ink)> = cells.take(6).collect();
    for (i, &(x, foot, height, ink)) in bars.iter().enumerate() {
        let score = 38.4 - 38.4 * i as f32 / 6.0;
        assert!((height - HEIGHT * score / 40.0).abs() < 1e-3, "{height} for a score of {score}");
        assert_eq!((foot, ink), (MARGIN + HEIGHT, super::ink(i / 3, 2)));
        assert!(i % 3 == 0 || x > bars[i - 1].0);
        assert!(i < 3 || x > bars[i - 3].0, "in the order of the legend");
    }
}

#[test]
fn lines_are_at_round_scores() {
    let scale = |most| Scale::reaching(most);
    for (most, step, lines) in
        [(0.0, 1, 1), (0.3, 1, 1), (5.0, 1, 5), (5.1, 2, 3), (10.0, 2, 5), (38.4, 10, 4), (50.1, 20, 3), (100.0, 20, 5)]
    {
        assert_eq!(scale(most), Scale { step, lines }, "{most}");
        assert_eq!(HEIGHT % lines as f32, 0.0, "a line of {most} is not sharp");
    }
}

#[test]
fn every_run_has_an_ink_of_its_own() {
    for runs in 1..=8 {
        let inks: Vec<Ink> = (0..runs).map(|run| ink(run, runs)).collect();
        assert!((1..runs).all(|run| !inks[..run].contains(&inks[run])) && !inks.contains(&Ink::NONE), "{inks:?}");
    }
}
