use serde::Serialize;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// What the goal is about.
    pub(crate) value: f64,
    pub(crate) op: &'static str,
    pub(crate) goal: f64,
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<f64>,
    pub(crate) rival: Option<f64>,
    pub(crate) reached: bool,
    /// What it needs is not here: neither reached nor missed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unmeasured: bool,
    /// Measured for a shorter time than the goal is about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) short: bool,
    /// What else was seen.
    #[serde(skip)]
    pub(crate) note: String,
}

impl Row {
    /// A figure that must not be above its goal.
    pub(crate) fn at_most(id: &'static str, value: f64, goal: f64, unit: &'static str) -> Self {
        Self {
            id,
            value,
            op: "<=",
            goal,
            unit,
            ours: None,
            rival: None,
            reached: value <= goal,
            unmeasured: false,
            short: false,
            note: String::new(),
        }
    }

    /// A figure that must not be below its goal.
    pub(crate) fn at_least(id: &'static str, value: f64, goal: f64, unit: &'static str) -> Self {
        Self { op: ">=", reached: value >= goal, ..Self::at_most(id, value, goal, unit) }
    }

    pub(crate) fn against(self, ours: f64, rival: f64) -> Self {
        Self { ours: Some(ours), rival: Some(rival), ..self }
    }

    pub(crate) fn noting(self, note: String) -> Self {
        Self { note, ..self }
    }
}

pub(crate) fn print(rows: &[Row], is_json: bool) {
    if is_json {
        for row in rows {
            println!("{}", serde_json::to_string(row).unwrap());
        }
        return;
    }
    println!("{:<22} {:>10} {:>10} {:>10} {:>12}  reached  note", "figure", "ours", "rival", "value", "goal");
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        let goal = format!("{} {} {}", row.op, row.goal, row.unit);
        let reached = match row {
            Row { unmeasured: true, .. } => "–",
            Row { reached: true, .. } => "yes",
            _ => "NO",
        };
        println!(
            "{:<22} {:>10} {:>10} {:>10.3} {:>12}  {reached:<7}  {}{}",
            row.id,
            number(row.ours),
            number(row.rival),
            row.value,
            goal,
            if row.short { "SHORT; " } else { "" },
            row.note
        );
    }
}

/// The value below which a part of all lies.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
