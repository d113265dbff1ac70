// Everybody: bodies, faces, the letters over sleepers (BODY, FACE, SLEEP), a picture in the place of a drawn face (PICTURE), and HIGH for what only a graphics card should do. Colours, light and pose
// of each person stand in a list; the mesh's tag says whose they are.

#import bevy_pbr::mesh_functions::{get_world_from_local, get_tag}
#import bevy_pbr::mesh_view_bindings::{globals, view}
#import houselights::light::developed

struct Person {
    // What falls from six sides: +x, -x, +y, -y, +z, -z. In the first one's last: how far the right foot is behind the left one, for each metre of leg.
    light: array<vec4<f32>, 6>,
    // Colour; a number of their own.
    cloth: vec4<f32>,
    // Colour; by how much they sit lower.
    skin: vec4<f32>,
    // Colour; how loud they speak.
    hair: vec4<f32>,
    // Rotation.
    head: vec4<f32>,
    // How far the shoulders turn; how fast asleep; how grey; which glasses.
    body: vec4<f32>,
    // Where the eyes look, left and up; the mouth; which letters.
    face: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<storage, read> people: array<Person>;
#ifdef PICTURE
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var picture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(2) var picture_sampler: sampler;
#endif

struct Corner {
    @builtin(instance_index) instance: u32,
    @location(0) position: vec3<f32>,
    @location(1) normal: vec3<f32>,
    // Body: how much its edge shines. Face: (0, 0) upper left to (1, 1).
    @location(2) uv: vec2<f32>,
    // A colour of its own; how open to the light.
    @location(3) own: vec4<f32>,
    // Shares of cloth, skin, hair; whether it is on the head.
    @location(4) takes: vec4<f32>,
}

struct Pixel {
    @builtin(position) clip: vec4<f32>,
    @location(0) lit: vec3<f32>,
    @location(1) uv: vec2<f32>,
#ifdef FACE
    // Where the eyes look, how far they are closed, how far the mouth is open.
    @location(2) @interpolate(flat) mood: vec4<f32>,
    // What the eyes mirror; which glasses.
    @location(3) @interpolate(flat) spark: vec4<f32>,
    // The light of the ring round who speaks.
    @location(4) @interpolate(flat) ring: vec3<f32>,
#endif
#ifdef SLEEP
    @location(2) @interpolate(flat) letters: vec2<f32>,
#endif
#ifdef BODY
#ifdef HIGH
    @location(2) paint: vec3<f32>,
    @location(3) normal: vec3<f32>,
    @location(4) to_eye: vec3<f32>,
    // How open; whether on the head.
    @location(5) open: vec2<f32>,
    @location(6) @interpolate(flat) who: u32,
#endif
#endif
}

// Where the neck is, as in src/theater/avatar/body.rs.
const NECK: vec3<f32> = vec3<f32>(0.0, 0.99, 0.035);
const AMBER: vec3<f32> = vec3<f32>(1.0, 0.456, 0.089);
const PICTURE_GLOW: f32 = 0.24;

fn turned(q: vec4<f32>, v: vec3<f32>) -> vec3<f32> {
    return v + 2.0 * cross(q.xyz, cross(q.xyz, v) + q.w * v);
}

fn about_y(angle: f32, v: vec3<f32>) -> vec3<f32> {
    let s = sin(angle);
    let c = cos(angle);
    return vec3<f32>(c * v.x + s * v.z, v.y, c * v.z - s * v.x);
}

// What falls on a surface that looks this way.
fn falls(who: u32, normal: vec3<f32>) -> vec3<f32> {
    let share = normal * normal;
    let side = vec3<u32>(select(vec3<f32>(0.0), vec3<f32>(1.0), normal < vec3<f32>(0.0)));
    return people[who].light[side.x].rgb * share.x + people[who].light[2u + side.y].rgb * share.y + people[who].light[4u + side.z].rgb * share.z;
}

// Cloth and hair shine along their edges with the light from behind them; so does, in amber, who speaks.
fn edge(who: u32, normal: vec3<f32>, to_eye: vec3<f32>, paint: vec3<f32>, fuzz: f32, open: f32, on_head: f32) -> vec3<f32> {
    let away = 1.0 - abs(dot(normal, to_eye));
    let rim = away * away;
    let behind = falls(who, normalize(normal * 0.45 - to_eye));
    let speech = people[who].hair.w;
    return behind * (paint * 1.8 + 0.28) * (rim * fuzz * open) + AMBER * (rim * rim * away * speech * on_head * 0.6);
}

@vertex
fn vertex(corner: Corner) -> Pixel {
    var out: Pixel;
    let who = get_tag(corner.instance);
    let world_from_local = get_world_from_local(corner.instance);
    let seed = people[who].cloth.w;
    let body = people[who].body;

    // Breath: hardly to be seen, and yet nobody is made of wood. Sleepers breathe slower and deeper.
    let breath = sin(globals.time * mix(1.5, 1.0, body.y) + seed * 40.0) * mix(1.0, 1.8, body.y);
    let high = smoothstep(0.55, 0.95, corner.position.y);
    var place = corner.position;
    var normal = corner.normal;
    // Shoulders turn, the hip stays.
    let twisted = about_y(body.x * high, place - vec3<f32>(0.0, 0.0, NECK.z)) + vec3<f32>(0.0, 0.0, NECK.z);
    let twisted_normal = about_y(body.x * high, normal);
    let on_head = corner.takes.w;
    // Legs swing from the hip as one walks.
    let swing = people[who].light[0].w * max(0.5 - corner.position.y, 0.0) * sign(corner.position.x) * (1.0 - on_head);
    place = mix(twisted + vec3<f32>(0.0, 0.0, swing), turned(people[who].head, place - NECK) + NECK, on_head);
    normal = mix(twisted_normal, turned(people[who].head, normal), on_head);
    place.y += breath * 0.0022 * high - people[who].skin.w * high;
#ifdef SLEEP
    // Three letters rise beside the head, always towards the eye; each has its own four corners.
    let number = corner.position.x;
    let age = fract(globals.time * 0.16 + seed * 5.0 + number / 3.0);
    let is_dots = people[who].face.w < 0.0;
    let right = normalize(cross(vec3<f32>(0.0, 1.0, 0.0), view.world_position - world_from_local[3].xyz));
    let size = select(mix(0.013, 0.026, age), 0.010, is_dots);
    let sway = sin(age * 9.0 + number) * 0.008;
    let risen = right * (0.18 + 0.05 * age + sway) + vec3<f32>(0.0, 1.06 + 0.17 * age, 0.0);
    let in_row = right * (0.19 + 0.036 * number) + vec3<f32>(0.0, 1.13, 0.0);
    place = select(risen, in_row, is_dots) + right * (corner.uv.x * size) + vec3<f32>(0.0, corner.uv.y * size, 0.0);
    let pulse = 0.35 + 0.65 * pow(0.5 + 0.5 * sin(globals.time * 2.6 - number * 1.1), 2.0);
    let fade = select(smoothstep(0.0, 0.2, age) * smoothstep(1.0, 0.7, age), pulse, is_dots);
    out.letters = vec2<f32>(fade * abs(people[who].face.w), select(0.0, 1.0, is_dots));
#endif
    // Whoever stands is turned as a whole.
    normal = normalize((world_from_local * vec4<f32>(normal, 0.0)).xyz);
    let world = (world_from_local * vec4<f32>(place, 1.0)).xyz;
    out.clip = view.clip_from_world * vec4<f32>(world, 1.0);
    out.uv = corner.uv;

    let to_eye = normalize(view.world_position - world);
    var paint = corner.own.rgb + people[who].cloth.rgb * corner.takes.x + people[who].skin.rgb * corner.takes.y
        + people[who].hair.rgb * corner.takes.z;
    let grey = dot(paint, vec3<f32>(0.3, 0.55, 0.15));
    paint = mix(paint, vec3<f32>(grey), body.z);
    let open = corner.own.a;
#ifdef BODY
#ifdef HIGH
    out.lit = falls(who, normal) * paint * open;
    out.paint = paint;
    out.normal = normal;
    out.to_eye = to_eye;
    out.open = vec2<f32>(open, on_head);
    out.who = who;
#else
    out.lit = falls(who, normal) * paint * open + edge(who, normal, to_eye, paint, corner.uv.x, open, on_head);
#endif
#endif
#ifdef FACE
    out.lit = falls(who, normal);
    // Eyes close for a seventh of a second, everybody at their own times.
    let pause = 2.6 + 3.1 * fract(seed * 13.7);
    let since = fract(globals.time / pause + seed * 7.3) * pause;
    let blink = 1.0 - smoothstep(0.03, 0.075, abs(since - 0.09));
    let closed = max(blink, smoothstep(0.2, 0.8, body.y));
    out.mood = vec4<f32>(people[who].face.xy, closed, people[who].face.z);
    let ahead = normalize((world_from_local * vec4<f32>(turned(people[who].head, vec3<f32>(0.0, 0.25, -0.97)), 0.0)).xyz);
    out.spark = vec4<f32>(falls(who, ahead), body.w);
    out.ring = AMBER * people[who].hair.w;
    // The face's own colour travels with the light.
    out.lit *= mix(mix(people[who].skin.rgb, vec3<f32>(0.86, 0.72, 0.58), 0.7), vec3<f32>(0.6), body.z);
#endif
#ifdef SLEEP
    out.lit = falls(who, to_eye) * 0.8 + vec3<f32>(0.11, 0.10, 0.09);
#endif
    return out;
}

#ifdef FACE
// 1 inside, 0 outside, a pixel wide.
fn inside(distance: f32, pixel: f32) -> f32 {
    return clamp(0.5 - distance / pixel, 0.0, 1.0);
}

// Distance to an oval, near enough close to its line.
fn oval(at: vec2<f32>, half: vec2<f32>) -> f32 {
    let scaled = at / half;
    let far = length(scaled);
    return (far - 1.0) * far / max(length(scaled / half), 1e-3);
}

// A stroke along a parabola through (±wide, up) and (0, 0).
fn bow(at: vec2<f32>, wide: f32, up: f32, thick: f32) -> f32 {
    let x = clamp(at.x, -wide, wide);
    let slope = 2.0 * up * x / (wide * wide);
    let high = (at.y - up * x * x / (wide * wide)) * inverseSqrt(1.0 + slope * slope);
    return length(vec2<f32>(at.x - x, high)) - thick;
}

fn face(pixel: Pixel) -> vec3<f32> {
    // From -1 to 1, x to the right as one looks at it, y up.
    let at = vec2<f32>(pixel.uv.x * 2.0 - 1.0, 1.0 - pixel.uv.y * 2.0);
    let px = max(fwidth(at.y), fwidth(at.x)) * 0.9;
    let dark = vec3<f32>(0.030, 0.020, 0.018);
    var colour = pixel.lit;
#ifdef PICTURE
    // A small screen: it shines by itself, so that a face is seen in the dark, and a little brighter where the hall is bright.
    let shown = textureSample(picture, picture_sampler, pixel.uv).rgb;
    colour = shown * (PICTURE_GLOW + 0.35 * dot(pixel.lit, vec3<f32>(0.3, 0.5, 0.2)));
#endif
    // A soft seam where the plate meets the head.
    let square = pow(at.x * at.x * at.x * at.x + at.y * at.y * at.y * at.y, 0.25);
    colour *= 1.0 - 0.35 * smoothstep(0.80, 1.0, square);
    colour += pixel.ring * smoothstep(0.84, 0.97, square) * 0.6;
#ifdef PICTURE
    return colour;
#else

    let mirrored = vec2<f32>(abs(at.x), at.y);
    // What is on the face moves a little with the look, as on a ball.
    let look = vec2<f32>(-pixel.mood.x, pixel.mood.y);
    let drift = look * vec2<f32>(0.06, 0.05);
    let cheek = length((vec2<f32>(abs(at.x - drift.x), at.y - drift.y) - vec2<f32>(0.60, -0.24)) * vec2<f32>(1.0, 1.25));
    colour *= mix(vec3<f32>(1.0), vec3<f32>(1.06, 0.60, 0.56), 0.55 * smoothstep(0.24, 0.06, cheek));

    // Eyes.
    let eye_at = at - look * vec2<f32>(0.15, 0.12) - vec2<f32>(0.0, 0.10);
    let eye = vec2<f32>(abs(eye_at.x) - 0.37, eye_at.y);
    let open = 1.0 - pixel.mood.z;
    let ball = oval(eye, vec2<f32>(0.118, 0.168 * open + 0.012));
    let lid = bow(eye + vec2<f32>(0.0, 0.05), 0.125, 0.045, 0.026);
    let seen = mix(inside(lid, px), inside(ball, px), smoothstep(0.12, 0.3, open));
    colour = mix(colour, pixel.lit * dark * 1.6, seen);
    // The same corner of both eyes mirrors the hall.
    let glint = oval(vec2<f32>(eye.x * sign(eye_at.x) + 0.034, eye.y - 0.062), vec2<f32>(0.038, 0.046));
    colour += (pixel.spark.rgb * 0.75 + 0.004) * inside(glint, px) * smoothstep(0.6, 0.95, open);
    let low_glint = oval(vec2<f32>(eye.x * sign(eye_at.x) - 0.035, eye.y + 0.075), vec2<f32>(0.020, 0.022));
    colour += pixel.spark.rgb * 0.3 * inside(low_glint, px) * smoothstep(0.6, 0.95, open);

    // Brows, light.
    let brow = vec2<f32>(abs(at.x - drift.x) - 0.38, at.y - drift.y - 0.40 - 0.05 * look.y);
    colour = mix(colour, pixel.lit * 0.30, 0.75 * inside(bow(brow, 0.10, -0.030, 0.024), px));

    // The mouth: a smile that opens.
    let mouth = at - drift - vec2<f32>(0.0, -0.40);
    let gap = pixel.mood.w;
    let smile = bow(mouth, 0.17 - 0.03 * gap, 0.075 - 0.03 * gap, 0.026);
    let hole = oval(mouth - vec2<f32>(0.0, -0.02 - 0.06 * gap), vec2<f32>(0.15 + 0.02 * gap, max(0.19 * gap, 0.001)));
    let opened = smoothstep(0.04, 0.15, gap);
    colour = mix(colour, pixel.lit * dark * 2.0, max(inside(smile, px) * (1.0 - opened), inside(hole, px) * opened));
    let tongue = oval(mouth - vec2<f32>(0.0, -0.05 - 0.19 * gap), vec2<f32>(0.09, max(0.11 * gap, 0.001)));
    colour = mix(colour, pixel.lit * vec3<f32>(0.75, 0.22, 0.20), max(inside(max(tongue, hole), px), 0.0) * opened);

    // Glasses: 1 round, 2 square, 3 of the third dimension.
    let kind = pixel.spark.w;
    let lens_at = vec2<f32>(abs(at.x) - 0.40, at.y - 0.10);
    let round = length(lens_at * vec2<f32>(1.0, 0.94)) - 0.295;
    let corner = abs(lens_at) - vec2<f32>(0.225, 0.15);
    let square_lens = length(max(corner, vec2<f32>(0.0))) + min(max(corner.x, corner.y), 0.0) - 0.09;
    let lens = select(square_lens, round, kind < 1.5);
    let thick = select(0.036, 0.052, kind > 1.5);
    let bridge = max(abs(at.y - 0.15) - 0.022, abs(at.x) - 0.12);
    let frame = min(abs(lens) - thick, bridge);
    let has = select(0.0, 1.0, kind > 0.5);
    let is_film = select(0.0, 1.0, kind > 2.5);
    let tint = mix(vec3<f32>(1.0, 0.32, 0.30), vec3<f32>(0.30, 0.85, 1.0), step(0.0, at.x));
    colour *= mix(vec3<f32>(1.0), tint, 0.75 * is_film * inside(lens, px));
    let shine = inside(lens, px) * smoothstep(0.05, 0.0, abs(lens_at.x * sign(at.x) + lens_at.y * 0.8 - 0.16)) * 0.10;
    colour += pixel.spark.rgb * shine * has;
    let rim_colour = mix(pixel.lit * vec3<f32>(0.05, 0.035, 0.035), pixel.lit * vec3<f32>(0.95, 0.93, 0.90), is_film);
    colour = mix(colour, rim_colour, has * inside(frame, px));
    return colour;
#endif
}
#endif

@fragment
fn fragment(pixel: Pixel) -> @location(0) vec4<f32> {
#ifdef FACE
    return vec4<f32>(developed(face(pixel), pixel.clip.xy), 1.0);
#else
#ifdef SLEEP
    // A z of three strokes, or a dot.
    let at = pixel.uv;
    let bars = max(abs(abs(at.y) - 0.62) - 0.16, abs(at.x) - 0.68);
    let slant = max(abs(at.x - at.y * 0.85) * 0.76 - 0.17, abs(at.y) - 0.62);
    let shape = mix(min(bars, slant), length(at) - 0.8, pixel.letters.y);
    let width = max(fwidth(at.x), fwidth(at.y));
    let alpha = clamp(0.5 - shape / width, 0.0, 1.0) * pixel.letters.x;
    return vec4<f32>(developed(pixel.lit, pixel.clip.xy), alpha);
#else
#ifdef HIGH
    let normal = normalize(pixel.normal);
    let colour = pixel.lit + edge(pixel.who, normal, normalize(pixel.to_eye), pixel.paint, pixel.uv.x, pixel.open.x, pixel.open.y);
    return vec4<f32>(developed(colour, pixel.clip.xy), 1.0);
#else
    return vec4<f32>(developed(pixel.lit, pixel.clip.xy), 1.0);
#endif
#endif
#endif
}
