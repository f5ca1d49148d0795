//! The list of rules, and what must hold for it to mean anything.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Table};

use crate::run::Error;
use crate::setup::root;

/// Where the list is, from the workspace's root.
pub const PATH: &str = "tests/mutants/engine.toml";
/// The rules of the algorithm as a model, which have the same names.
const MODEL: &str = "tests/model/rules.py";

/// A rule, and how it is broken.
#[derive(Debug)]
pub struct Mutant {
    /// Its name, as the model has it where the model has it.
    pub rule: String,
    /// The file that follows it, from the workspace's root.
    pub file: String,
    /// What occurs in the file once.
    pub text: String,
    /// What stands there instead.
    pub becomes: String,
    /// Why no test need notice: what stands in for the rule.
    pub spare: Option<String>,
}

impl Mutant {
    /// The file with the rule broken; none where the text is not there just once.
    pub fn applied_to(&self, source: &str) -> Option<String> {
        (source.matches(&self.text).count() == 1).then(|| source.replacen(&self.text, &self.becomes, 1))
    }
}

/// All of them.
#[derive(Debug)]
pub struct List {
    pub mutants: Vec<Mutant>,
    /// Rules of the model that no mutant of the engine has, each with the reason.
    pub elsewhere: Vec<(String, String)>,
}

impl List {
    pub fn read() -> Result<Self, Error> {
        let text = std::fs::read_to_string(root().join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
        let document: DocumentMut = text.parse().map_err(|error| format!("{PATH}: {error}"))?;
        let tables = document.get("mutant").and_then(|item| item.as_array_of_tables());
        let mutants = tables.into_iter().flatten().map(mutant).collect::<Result<_, Error>>()?;
        let reasons = document.get("elsewhere").and_then(|item| item.as_table());
        let reasons = reasons.into_iter().flat_map(Table::iter);
        let elsewhere = reasons
            .map(|(rule, reason)| (rule.to_owned(), reason.as_str().unwrap_or_default().to_owned()))
            .collect();
        Ok(Self { mutants, elsewhere })
    }

    /// What is wrong with the list, a sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.differences_from_the_model();
        let mut names = BTreeSet::new();
        for mutant in &self.mutants {
            let Mutant { rule, file, text, becomes, spare } = mutant;
            if !names.insert(rule) {
                faults.push(format!("two rules are called `{rule}`"));
            }
            if text == becomes {
                faults.push(format!("`{rule}` is not broken by what takes its place"));
            }
            if spare.as_ref().is_some_and(String::is_empty) {
                faults.push(format!("`{rule}` is spare without a reason"));
            }
            match std::fs::read_to_string(root().join(file)) {
                Err(error) => faults.push(format!("`{rule}`: {file}: {error}")),
                Ok(source) if mutant.applied_to(&source).is_none() => {
                    let times = source.matches(text).count();
                    faults.push(format!(
                        "`{rule}`: its text occurs {times} times in {file}, not once:\n{text}"
                    ));
                }
                Ok(_) => {}
            }
        }
        faults
    }

    /// Rules of the model that are neither broken here nor said to be somebody else's.
    fn differences_from_the_model(&self) -> Vec<String> {
        let Ok(model) = std::fs::read_to_string(root().join(MODEL)) else {
            return vec![format!("{MODEL} cannot be read")];
        };
        let rules: Vec<&str> = model.lines().filter_map(rule_of_the_model).collect();
        let mut faults: Vec<String> = (self.elsewhere.iter())
            .filter(|(rule, reason)| reason.is_empty() || !rules.contains(&rule.as_str()))
            .map(|(rule, _)| format!("`{rule}` has no reason, or {MODEL} has no such rule"))
            .collect();
        if rules.is_empty() {
            faults.push(format!("{MODEL} has no rules"));
        }
        for rule in rules {
            let here = self.mutants.iter().any(|mutant| mutant.rule == rule);
            if here == self.elsewhere.iter().any(|(name, _)| name == rule) {
                faults.push(format!("`{rule}` of {MODEL} has to be broken here, or have a reason why not"));
            }
        }
        faults
    }
}

/// The name in `NAME = rule("the name", "what it says"`.
fn rule_of_the_model(line: &str) -> Option<&str> {
    line.split_once(" = rule(\"")?.1.split('"').next()
}

fn mutant(table: &Table) -> Result<Mutant, Error> {
    let text = |key: &str| table.get(key).and_then(|item| item.as_str()).map(ToOwned::to_owned);
    let must = |key: &str| text(key).ok_or_else(|| format!("{PATH}: a mutant without `{key}`: {table}"));
    Ok(Mutant {
        rule: must("rule")?,
        file: must("file")?,
        text: must("text")?,
        becomes: must("becomes")?,
        spare: text("spare"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_one_name_and_one_place_in_the_source() {
        let list = List::read().unwrap();
        assert!(list.mutants.len() > 50, "the list was not read");
        assert_eq!(list.faults(), Vec::<String>::new());
    }

    #[test]
    fn every_rule_of_the_model_is_in_the_list_or_has_a_reason() {
        let mut list = List::read().unwrap();
        assert_eq!(list.differences_from_the_model(), Vec::<String>::new());
        list.mutants.retain(|mutant| mutant.rule != "sent is stored");
        list.elsewhere.push(("sent is lost".to_owned(), "a reason".to_owned()));
        let faults = list.differences_from_the_model();
        assert!(faults.len() == 2 && faults[1].contains("`sent is stored`"), "{faults:?}");
    }

    #[test]
    fn a_text_that_is_there_twice_or_not_at_all_is_not_replaced() {
        let [rule, file] = ["r", "f"].map(ToOwned::to_owned);
        let mutant = Mutant { rule, file, text: "a < b".into(), becomes: "true".into(), spare: None };
        assert_eq!(mutant.applied_to("if a < b {}").as_deref(), Some("if true {}"));
        assert_eq!(mutant.applied_to("a < b && a < b"), None);
        assert_eq!(mutant.applied_to("a > b"), None);
    }
}
