//! Composes every `shaders/*.wgsl` with Bevy's own modules, as Bevy does, and validates it, once for each set of definitions it is used with.
//! No GPU is needed. Bevy's modules are read from the sources of the very crates in `Cargo.lock`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga_oil::compose::{
    ComposableModuleDescriptor, Composer, ImportDefinition, NagaModuleDescriptor, ShaderDefValue, ShaderLanguage, get_preprocessor_data,
};

/// A row: a file in `shaders`, and the choices that make its sets of definitions. One word is taken of each choice, in every combination;
/// an empty word is none. Files with `#define_import_path` are modules and need no row: they are checked through those who import them.
type Row = (&'static str, &'static [&'static [&'static str]]);

const SHADERS: &[Row] = &[
    ("avatar.wgsl", &[&["BODY", "FACE", "SLEEP"], &["", "PICTURE"], &["", "HIGH"]]),
    ("hall.wgsl", &[&["PLAIN", "CARPET", "FABRIC", "WOOD", "STARS", "VELVET", "PLUSH", "BRASS", "LAMP", "HALO", "BEAM"], &["", "HIGH"]]),
    ("screen.wgsl", &[&["", "HIGH"], &["", "PQ", "HLG"]]),
    ("subtitles.wgsl", &[]),
];

/// What Bevy passes to a material on a mesh (`MeshPipeline::specialize`, `MaterialPipeline::specialize`, `PipelineCache::new` and the settings of its
/// shader libraries). `NAME=1u` and `NAME=1i` are numbers, others are `true`.
const BEVY: &[&str] = &[
    "AVAILABLE_STORAGE_BUFFER_BINDINGS=8u",
    "IRRADIANCE_VOLUMES_ARE_USABLE",
    "MATERIAL_BIND_GROUP=3u",
    "MAX_CASCADES_PER_LIGHT=4u",
    "MAX_DIRECTIONAL_LIGHTS=10u",
    "MAX_RECT_LIGHTS=8u",
    "MESH_PIPELINE",
    "SCREEN_SPACE_SPECULAR_TRANSMISSION_BLUR_TAPS=8i",
    "SHADOW_FILTER_METHOD_GAUSSIAN",
    "VERTEX_NORMALS",
    "VERTEX_OUTPUT_INSTANCE_INDEX",
    "VERTEX_POSITIONS",
    "VERTEX_UVS",
    "VERTEX_UVS_A",
    "VIEW_PROJECTION_PERSPECTIVE",
];

/// What Bevy adds on a machine with binding arrays; software rendering may lack them, so every set is tried with and without.
const BINDING_ARRAYS: &[&str] = &["CLUSTERED_DECALS_ARE_USABLE", "MULTIPLE_LIGHTMAPS_IN_ARRAY", "MULTIPLE_LIGHT_PROBES_IN_ARRAY"];

#[test]
fn every_shader_is_sound_with_every_set_of_definitions() {
    let (shaders, own_modules): (Vec<_>, Vec<_>) = wgsl_in(&root().join("shaders")).into_iter().partition(|file| file.module().is_none());
    let rows: BTreeSet<_> = SHADERS.iter().map(|row| row.0.to_owned()).collect();
    let files: BTreeSet<_> = shaders.iter().map(Wgsl::name).collect();
    assert_eq!(files, rows, "the files in shaders/ (left) and the rows of the table in tests/it/shaders.rs (right) differ");

    let modules_text: String = own_modules.iter().map(|file| file.text.as_str()).collect();
    let mut kitchens = [Kitchen::new(own_modules.clone(), false), Kitchen::new(own_modules, true)];
    let mut wrong = Vec::new();
    for (name, choices) in SHADERS {
        let shader = shaders.iter().find(|file| file.name() == *name).unwrap();
        wrong.extend(gaps(&format!("{}\n{modules_text}", shader.text), choices).into_iter().map(|gap| format!("{name}: {gap}")));
        for set in sets(choices) {
            for kitchen in &mut kitchens {
                wrong.extend(kitchen.check(shader, &set).err().map(|error| format!("{name} with {set:?}{}:\n{error}", kitchen.says())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_shader_is_noticed() {
    let mut kitchen = Kitchen::new(Vec::new(), false);
    let mut check = |set: &[&'static str], text: &str| kitchen.check(&Wgsl { path: "example.wgsl".into(), text: text.into() }, set);

    let sound = "
        #import bevy_pbr::forward_io::VertexOutput
        #import bevy_pbr::mesh_view_bindings::{globals, view}
        @group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> paint: vec4<f32>;
        @fragment fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
        #ifdef HIGH
            return paint * in.uv.x * SIZE * view.exposure;
        #else
            return paint * globals.time;
        #endif
        }";
    assert_eq!(check(&[], sound).err(), None, "in the branch that is left out nothing is checked");
    assert!(check(&["HIGH"], sound).unwrap_err().contains("SIZE"), "an unknown name in a branch that is taken");

    let pixel = |statement: &str| format!("@fragment fn f() -> @location(0) vec4<f32> {{ {statement} }}");
    assert!(check(&[], &pixel("return vec4(0.5);")).is_ok());
    for (broken, why) in [
        (pixel("return vec4(0.5)"), "a semicolon is missing"),
        (pixel("return 0.5;"), "the type does not fit"),
        (pixel("let x = 1u / 0u; return vec4(f32(x));"), "a division by nothing"),
        (pixel("return vec4(f32(#{NO_SUCH_NUMBER}));"), "a definition that nobody gives"),
        (format!("#import bevy_pbr::no_such_module::x\n{}", pixel("return vec4(x);")), "a module that Bevy does not have"),
        (format!("#import bevy_pbr::mesh_view_bindings::no_such_item\n{}", pixel("return no_such_item;")), "an item that the module lacks"),
        ("fn helper() -> f32 { return 1.0; }".to_owned(), "no entry point"),
        ("@vertex fn v() -> @location(0) vec4<f32> { return vec4(0.5); }".to_owned(), "a vertex without position"),
    ] {
        assert!(check(&[], &broken).is_err(), "not noticed: {why}: {broken}");
    }
}

#[test]
fn a_definition_without_a_set_is_noticed() {
    let check = |text: &str, choices: &[&[&'static str]], expected: &[&str]| assert_eq!(gaps(text, choices), expected, "{text}");
    let choices: &[&[&str]] = &[&["CARPET", "WOOD"], &["", "HIGH"]];
    let all = "#ifdef CARPET\n#else ifdef WOOD\n#endif\n  #ifdef HIGH // fine\n";
    check(&format!("{all}#ifndef VERTEX_UVS_A\n@group(#{{MATERIAL_BIND_GROUP}})"), choices, &[]);
    check(&format!("{all}#ifdef GOLD"), choices, &["asks for GOLD, which is in none of its sets"]);
    check(&format!("{all}#if LEVEL >= 2"), choices, &["asks for LEVEL, which is in none of its sets"]);
    check(&format!("{all}let x = #{{DEPTH}};"), choices, &["asks for DEPTH, which is in none of its sets"]);
    check("#ifdef WOOD\n#ifdef HIGH\n// #CARPET", choices, &["has a set with CARPET, for which it does not ask"]);
    assert_eq!(sets(choices), [vec!["CARPET"], vec!["WOOD"], vec!["CARPET", "HIGH"], vec!["WOOD", "HIGH"]]);
    assert_eq!(sets(&[]), [[""; 0]]);
}

/// Every combination of one word of each choice.
fn sets(choices: &[&[&'static str]]) -> Vec<Vec<&'static str>> {
    choices.iter().fold(vec![Vec::new()], |sets, choice| {
        let with = |word: &&'static str| {
            let word = (!word.is_empty()).then_some(*word);
            sets.iter().map(move |set| set.iter().copied().chain(word).collect())
        };
        choice.iter().flat_map(with).collect()
    })
}

/// Definitions the text asks for that no set has, and the other way round.
fn gaps(text: &str, choices: &[&[&str]]) -> Vec<String> {
    let asked = asked_for(text);
    let given: BTreeSet<_> = choices.iter().copied().flatten().copied().filter(|word| !word.is_empty()).map(bare).collect();
    let by_bevy: BTreeSet<_> = BEVY.iter().chain(BINDING_ARRAYS).copied().map(bare).collect();
    let missing = asked.iter().filter(|name| !given.contains(*name) && !by_bevy.contains(*name));
    let stale = given.iter().filter(|name| !asked.contains(*name));
    missing
        .map(|name| format!("asks for {name}, which is in none of its sets"))
        .chain(stale.map(|name| format!("has a set with {name}, for which it does not ask")))
        .collect()
}

/// The definition's name without its value.
fn bare(definition: &str) -> &str {
    definition.split('=').next().unwrap_or(definition)
}

/// The names in `#ifdef`, `#ifndef`, `#if`, also after `#else`, and in `#{…}`.
fn asked_for(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace().skip_while(|word| *word == "#else");
        if let Some("#ifdef" | "#ifndef" | "#if" | "ifdef" | "ifndef" | "if") = words.next()
            && line.trim_start().starts_with('#')
        {
            names.extend(words.next());
        }
        names.extend(line.split("#{").skip(1).filter_map(|rest| rest.split('}').next()));
    }
    names
}

/// Where shaders are composed: the modules to import, and the composer that keeps those it has seen.
struct Kitchen {
    modules: BTreeMap<String, Wgsl>,
    composer: Composer,
    capabilities: Capabilities,
    binding_arrays: bool,
}

impl Kitchen {
    fn new(own_modules: Vec<Wgsl>, binding_arrays: bool) -> Self {
        let of_bevy = bevy_sources().into_iter().flat_map(|folder| wgsl_in(&folder));
        let modules: BTreeMap<_, _> = of_bevy.chain(own_modules).filter_map(|file| Some((file.module()?, file))).collect();
        assert!(modules.contains_key("bevy_pbr::mesh_view_bindings"), "Bevy's shader modules were not found: {:?}", modules.keys());
        let mut capabilities = Capabilities::default();
        if binding_arrays {
            capabilities |= Capabilities::TEXTURE_AND_SAMPLER_BINDING_ARRAY
                | Capabilities::TEXTURE_AND_SAMPLER_BINDING_ARRAY_NON_UNIFORM_INDEXING
                | Capabilities::BUFFER_BINDING_ARRAY
                | Capabilities::STORAGE_BUFFER_BINDING_ARRAY;
        }
        Self { modules, composer: Composer::default().with_capabilities(capabilities), capabilities, binding_arrays }
    }

    /// For messages.
    fn says(&self) -> &'static str {
        if self.binding_arrays { " and binding arrays" } else { "" }
    }

    /// Composes and validates; the error is what a person should read.
    fn check(&mut self, shader: &Wgsl, set: &[&'static str]) -> Result<(), String> {
        let (_, imports, _) = get_preprocessor_data(&shader.text);
        self.add(&imports)?;
        let machine = if self.binding_arrays { BINDING_ARRAYS } else { &[] };
        let descriptor = NagaModuleDescriptor {
            source: &shader.text,
            file_path: &shader.path.to_string_lossy(),
            shader_defs: [BEVY, machine, set].concat().into_iter().map(definition).collect(),
            ..Default::default()
        };
        let module = self.composer.make_naga_module(descriptor).map_err(|error| error.emit_to_string(&self.composer))?;
        if module.entry_points.is_empty() {
            return Err("it has no entry point".into());
        }
        let validated = Validator::new(ValidationFlags::all(), self.capabilities).validate(&module);
        validated.map(drop).map_err(|error| format!("{:?}", error.into_inner()))
    }

    /// Makes modules known to the composer, first those that they import.
    fn add(&mut self, imports: &[ImportDefinition]) -> Result<(), String> {
        for ImportDefinition { import, .. } in imports {
            if self.composer.contains_module(import) {
                continue;
            }
            let module = self.modules.get(import).ok_or_else(|| format!("there is no module {import}"))?.clone();
            self.add(&get_preprocessor_data(&module.text).1)?;
            let descriptor = ComposableModuleDescriptor {
                source: &module.text,
                file_path: &module.path.to_string_lossy(),
                language: ShaderLanguage::Wgsl,
                ..Default::default()
            };
            let added = self.composer.add_composable_module(descriptor).map(drop);
            added.map_err(|error| error.emit_to_string(&self.composer))?;
        }
        Ok(())
    }
}

/// `NAME`, `NAME=1u` or `NAME=1i` as the composer takes it.
fn definition(text: &str) -> (String, ShaderDefValue) {
    let value = match text.split_once('=') {
        None => ShaderDefValue::Bool(true),
        Some((_, number)) => match number.strip_suffix('i') {
            Some(number) => ShaderDefValue::Int(number.parse().unwrap()),
            None => ShaderDefValue::UInt(number.trim_end_matches('u').parse().unwrap()),
        },
    };
    (bare(text).to_owned(), value)
}

/// A shader's file.
#[derive(Clone, Debug)]
struct Wgsl {
    path: PathBuf,
    text: String,
}

impl Wgsl {
    fn name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The name under which others import it.
    fn module(&self) -> Option<String> {
        self.text.lines().find_map(|line| line.strip_prefix("#define_import_path ")).map(|name| name.trim().to_owned())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All `.wgsl` in a folder and below; none if there is no such folder.
fn wgsl_in(folder: &Path) -> Vec<Wgsl> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(wgsl_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "wgsl") {
            files.push(Wgsl { text: fs::read_to_string(&path).unwrap(), path });
        }
    }
    files
}

/// The `src` folders of Bevy's crates, as cargo knows them: they may lie in its cache, in a vendored folder or beside this one.
fn bevy_sources() -> Vec<PathBuf> {
    let cargo = |arguments: &[&str]| {
        let output =
            Command::new(env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into())).current_dir(root()).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Only this system's crates are sure to be here.
    let version = cargo(&["-vV"]);
    let system = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", system]);
    let metadata: HashMap<String, serde_json::Value> = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let of_bevy = packages.filter(|package| package["name"].as_str().is_some_and(|name| name.starts_with("bevy_")));
    of_bevy.map(|package| Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("src")).collect()
}
