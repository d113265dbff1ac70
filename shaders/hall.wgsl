// Every surface of the hall: baked light times paint times a pattern. The pattern and the tier are shader definitions, never branches:
// PLAIN CARPET FABRIC WOOD STARS VELVET PLUSH BRASS LAMP HALO BEAM, and HIGH for what only a graphics card should do.

#import bevy_pbr::mesh_functions::{get_world_from_local, mesh_position_local_to_world, mesh_normal_local_to_world}
#import bevy_pbr::mesh_view_bindings::{globals, view}
#import houselights::light::developed

struct Light {
    // Colour of the house lights times their level; the level.
    house: vec4<f32>,
    // What the screen throws into the hall: upper row first, left to right.
    zones: array<vec4<f32>, 6>,
    // 1 / the gain in `zones`.
    rest: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<storage, read> hall: Light;
// Strength of this surface's own light.
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var<uniform> strength: f32;

struct Corner {
    @builtin(instance_index) instance: u32,
    @location(0) position: vec3<f32>,
    @location(1) normal: vec3<f32>,
    @location(2) uv: vec2<f32>,
    // Albedo; how much of the own light follows the house lights.
    @location(3) paint: vec4<f32>,
    @location(4) house_and_upper: vec4<f32>,
    @location(5) lower_and_own: vec4<f32>,
    @location(6) fixed: vec3<f32>,
}

struct Pixel {
    @builtin(position) clip: vec4<f32>,
    @location(0) lit: vec3<f32>,
    @location(1) uv: vec2<f32>,
#ifdef HIGH
    @location(2) place: vec3<f32>,
    @location(3) normal: vec3<f32>,
#endif
}

// What of the screen a smooth surface at `place` mirrors towards the eye: its zones' colours, soft at the edges.
fn mirrored(place: vec3<f32>, normal: vec3<f32>, to_eye: vec3<f32>, softness: f32) -> vec3<f32> {
    let ray = reflect(-to_eye, normal);
    let away = max(-ray.z, 0.02);
    let hit = place.xy + ray.xy * (place.z / away);
    let inside = smoothstep(4.5 + softness, 4.5 - softness, abs(hit.x)) * smoothstep(2.5 + softness, 2.5 - softness, abs(hit.y - 3.53))
        * smoothstep(0.0, 0.15, -ray.z);
    let across = clamp(hit.x / 3.0, -1.0, 1.0);
    let up = clamp((hit.y - 2.3) / 2.5, 0.0, 1.0);
    let left = max(-across, 0.0);
    let right = max(across, 0.0);
    let middle = 1.0 - left - right;
    let upper = hall.zones[0].rgb * left + hall.zones[1].rgb * middle + hall.zones[2].rgb * right;
    let lower = hall.zones[3].rgb * left + hall.zones[4].rgb * middle + hall.zones[5].rgb * right;
    return mix(lower, upper, up) * (inside * hall.rest.x);
}

@vertex
fn vertex(corner: Corner) -> Pixel {
    var out: Pixel;
    let world_from_local = get_world_from_local(corner.instance);
    let place = mesh_position_local_to_world(world_from_local, vec4<f32>(corner.position, 1.0)).xyz;
    out.clip = view.clip_from_world * vec4<f32>(place, 1.0);
    out.uv = corner.uv;

    // The nearer to a lamp, the warmer.
    let warmth = mix(vec3<f32>(0.96, 1.0, 1.06), vec3<f32>(1.16, 0.95, 0.76), min(corner.house_and_upper.x * 0.8, 1.0));
    let light = corner.fixed
        + hall.house.rgb * warmth * corner.house_and_upper.x
        + hall.zones[0].rgb * corner.house_and_upper.y
        + hall.zones[1].rgb * corner.house_and_upper.z
        + hall.zones[2].rgb * corner.house_and_upper.w
        + hall.zones[3].rgb * corner.lower_and_own.x
        + hall.zones[4].rgb * corner.lower_and_own.y
        + hall.zones[5].rgb * corner.lower_and_own.z;
    // Lamps and halos receive nothing: for them this is their own light.
    out.lit = corner.paint.rgb * (light + corner.lower_and_own.w * strength * mix(1.0, hall.house.w, corner.paint.a));

#ifdef HIGH
    out.place = place;
    out.normal = mesh_normal_local_to_world(corner.normal, corner.instance);
#else
#ifdef VELVET
    let normal = mesh_normal_local_to_world(corner.normal, corner.instance);
    let to_eye = normalize(view.world_position - place);
    out.lit *= pile(normal, to_eye);
#endif
#ifdef PLUSH
    let normal = mesh_normal_local_to_world(corner.normal, corner.instance);
    let to_eye = normalize(view.world_position - place);
    out.lit *= pile(normal, to_eye);
#endif
#ifdef BRASS
    let normal = mesh_normal_local_to_world(corner.normal, corner.instance);
    let to_eye = normalize(view.world_position - place);
    out.lit = polished(out.lit, place, normal, to_eye);
#endif
#endif
    return out;
}

// Velvet is dark where one looks straight at it and light along its pile.
fn pile(normal: vec3<f32>, to_eye: vec3<f32>) -> f32 {
    let along = 1.0 - abs(dot(normal, to_eye));
    return 0.62 + 1.5 * along * along * along;
}

fn polished(lit: vec3<f32>, place: vec3<f32>, normal: vec3<f32>, to_eye: vec3<f32>) -> vec3<f32> {
    let ray = reflect(-to_eye, normal);
    let room = 0.55 + 1.1 * smoothstep(-0.2, 0.9, ray.y);
    return lit * room + mirrored(place, normal, to_eye, 1.2) * vec3<f32>(0.30, 0.21, 0.10);
}

fn chance(cell: vec2<f32>) -> f32 {
    var p = fract(vec3<f32>(cell.xyx) * 0.1031);
    p += dot(p, p.yzx + 33.33);
    return fract((p.x + p.y) * p.z);
}

fn cloud(at: vec2<f32>) -> f32 {
    let cell = floor(at);
    let part = at - cell;
    let soft = part * part * (3.0 - 2.0 * part);
    let low = mix(chance(cell), chance(cell + vec2<f32>(1.0, 0.0)), soft.x);
    let high = mix(chance(cell + vec2<f32>(0.0, 1.0)), chance(cell + vec2<f32>(1.0, 1.0)), soft.x);
    return mix(low, high, soft.y);
}

// 1 where a pattern of this period can still be drawn without shimmering, 0 where it is smaller than the pixels.
fn drawable(at: vec2<f32>) -> f32 {
    let step = fwidth(at);
    return 1.0 - smoothstep(0.15, 0.6, max(step.x, step.y));
}

#ifdef CARPET
fn pattern(pixel: Pixel) -> vec3<f32> {
    let at = pixel.uv / 0.2;
    let clear = drawable(at * 1.6);
    let part = abs(fract(at) - 0.5);
    let ring = part.x + part.y;
    let line = smoothstep(0.075, 0.035, abs(ring - 0.5));
    let dot_ = smoothstep(0.15, 0.08, ring);
    let other = smoothstep(0.85, 0.92, ring);
    let drawn = mix(0.16, clamp(line + dot_ + other, 0.0, 1.0), clear);
#ifdef HIGH
    let nap = 0.86 + 0.28 * cloud(pixel.uv * 160.0) * drawable(pixel.uv * 160.0) + 0.1 * cloud(pixel.uv * 1.3);
#else
    let nap = 1.0;
#endif
    return pixel.lit * nap * mix(vec3<f32>(1.0), vec3<f32>(2.6, 3.0, 2.2), drawn);
}
#endif

#ifdef FABRIC
fn pattern(pixel: Pixel) -> vec3<f32> {
    let thread = pixel.uv.x * 26.0;
    let clear = drawable(vec2<f32>(thread, 0.0));
    // Round threads, each a little different.
    let part = fract(thread) - 0.5;
    let rib = 1.06 - part * part * 0.9;
#ifdef HIGH
    let slub = cloud(vec2<f32>(thread, pixel.uv.y * 3.0)) - 0.5;
    let fine = (cloud(pixel.uv * vec2<f32>(300.0, 90.0)) - 0.5) * drawable(pixel.uv * 200.0);
    return pixel.lit * (mix(0.985, rib, clear) + 0.22 * slub * clear + 0.25 * fine);
#else
    let slub = fract(floor(thread) * 0.6180339) - 0.5;
    return pixel.lit * (mix(0.985, rib, clear) + 0.14 * slub * clear);
#endif
}
#endif

#ifdef WOOD
fn pattern(pixel: Pixel) -> vec3<f32> {
#ifdef HIGH
    let drift = cloud(pixel.uv * vec2<f32>(5.0, 0.7));
#else
    let drift = 0.5 + 0.28 * sin(pixel.uv.x * 9.0 + pixel.uv.y * 1.1) + 0.2 * sin(pixel.uv.y * 1.9 - pixel.uv.x * 3.7);
#endif
    let grain = cloud(vec2<f32>(pixel.uv.x * 46.0 + drift * 9.0, pixel.uv.y * 1.9));
    let clear = drawable(vec2<f32>(pixel.uv.x * 46.0, 0.0) * 0.6);
    let tone = 0.8 + 0.35 * drift + 0.7 * (grain - 0.5) * clear;
    var colour = pixel.lit * vec3<f32>(tone, tone * tone * 0.25 + tone * 0.72, tone * 0.92);
#ifdef HIGH
    let to_eye = normalize(view.world_position - pixel.place);
    let normal = normalize(pixel.normal);
    let graze = 1.0 - max(dot(normal, to_eye), 0.0);
    colour += mirrored(pixel.place, normal, to_eye, 0.9) * (0.02 + 0.25 * graze * graze * graze * graze) * (0.7 + 0.6 * grain);
#endif
    return colour;
}
#endif

#ifdef STARS
fn pattern(pixel: Pixel) -> vec3<f32> {
    let at = pixel.uv / 0.46;
    let cell = floor(at);
    let luck = chance(cell);
    let where_ = vec2<f32>(0.2) + 0.6 * fract(vec2<f32>(luck * 57.31, luck * 191.7));
    let far = length(at - cell - where_);
    // Never thinner than a pixel: what it gains in size it loses in brightness.
    let pixel_size = max(length(fwidth(at)) * 0.75, 1e-4);
    let size = 0.022 + 0.03 * luck * luck;
    let drawn = max(size, pixel_size);
    let star = smoothstep(drawn, drawn * 0.25, far) * min(size * size / (drawn * drawn) * 1.6, 1.0) * step(0.38, luck);
    // None where the hidden light drowns them.
    let night = smoothstep(4.9, 3.8, abs(pixel.uv.x)) * smoothstep(14.8, 13.6, pixel.uv.y);
    let tint = mix(vec3<f32>(0.75, 0.85, 1.0), vec3<f32>(1.0, 0.85, 0.6), fract(luck * 23.7));
    return pixel.lit + tint * (star * night * (0.25 + luck * luck) * (0.08 + 0.42 * hall.house.w));
}
#endif

#ifdef VELVET
fn pattern(pixel: Pixel) -> vec3<f32> {
#ifdef HIGH
    let nap = 0.9 + 0.2 * cloud(pixel.uv * 11.0);
    let to_eye = normalize(view.world_position - pixel.place);
    let fine = 1.0 + 0.25 * (cloud(pixel.uv * vec2<f32>(420.0, 260.0)) - 0.5) * drawable(pixel.uv * 300.0);
    return pixel.lit * nap * fine * pile(normalize(pixel.normal), to_eye);
#else
    return pixel.lit;
#endif
}
#endif

#ifdef PLUSH
fn pattern(pixel: Pixel) -> vec3<f32> {
    let at = pixel.uv.x / 0.0927;
    let clear = drawable(vec2<f32>(at, 0.0));
    // Channels swell between their seams.
    let part = abs(fract(at) - 0.5) * 2.0;
    let seam = part * part * part;
    let channel = 1.06 - 0.46 * seam * seam * clear;
#ifdef HIGH
    let nap = 0.92 + 0.16 * cloud(pixel.uv * 14.0);
    let to_eye = normalize(view.world_position - pixel.place);
    let fine = 1.0 + 0.25 * (cloud(pixel.uv * vec2<f32>(420.0, 260.0)) - 0.5) * drawable(pixel.uv * 300.0);
    return pixel.lit * (nap * fine * channel * pile(normalize(pixel.normal), to_eye));
#else
    return pixel.lit * channel;
#endif
}
#endif

#ifdef BRASS
fn pattern(pixel: Pixel) -> vec3<f32> {
#ifdef HIGH
    let to_eye = normalize(view.world_position - pixel.place);
    return polished(pixel.lit, pixel.place, normalize(pixel.normal), to_eye);
#else
    return pixel.lit;
#endif
}
#endif

#ifdef PLAIN
fn pattern(pixel: Pixel) -> vec3<f32> {
    return pixel.lit;
}
#endif

@fragment
fn fragment(pixel: Pixel) -> @location(0) vec4<f32> {
#ifdef LAMP
    return vec4<f32>(pixel.lit, 1.0);
#else
#ifdef HALO
    let inside = max(1.0 - dot(pixel.uv, pixel.uv), 0.0);
    return vec4<f32>(developed(pixel.lit * (inside * inside), pixel.clip.xy), 0.0);
#else
#ifdef BEAM
    let along = 1.0 - pixel.uv.y;
#ifdef HIGH
    // Dust drifts through it.
    let drift = vec2<f32>(globals.time * 0.05, globals.time * -0.03);
    let wisps = 0.62 + 0.76 * cloud(pixel.place.xz * 1.7 + drift) * (0.5 + cloud(pixel.place.xy * 4.3 - drift * 2.0));
    let grain = cloud(pixel.place.xz * 26.0 + drift * 7.0) * cloud(pixel.place.yz * 31.0 - drift * 5.0);
    let dust = wisps + 5.0 * smoothstep(0.62, 0.86, grain);
#else
    let dust = 1.0;
#endif
    return vec4<f32>(developed(pixel.lit * (along * along * pixel.uv.x * dust), pixel.clip.xy), 0.0);
#else
    return vec4<f32>(developed(pattern(pixel), pixel.clip.xy), 1.0);
#endif
#endif
#endif
}
