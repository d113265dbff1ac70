// The film's picture: three planes of codes become light, exactly. Planes are read with `textureLoad` and mixed by hand, because hardware filters 8-bit
// textures in 8-bit steps on some machines. From afar and from the side smaller copies of the planes are read, so that nothing shimmers; with HIGH as many places
// of them as a pixel is long. Where a pixel of the window covers one of the film or less, the planes themselves are read.
// With PQ or HLG the film is brighter than the screen can be, and is compressed as `src/media/colour.rs` says.

#import bevy_pbr::forward_io::VertexOutput

struct FilmPicture {
    // R', G', B': factors of Y', Cb, Cr and the constant.
    rows: array<vec4<f32>, 3>,
    // From the film's red, green and blue light to that of BT.709.
    gamut: array<vec4<f32>, 3>,
    // Chroma pixels for one luma pixel, across and down; luma pixels by which chroma is shifted to the left and upwards.
    chroma: vec4<f32>,
    // From a place on the screen to one in the planes, from the middle: two rows.
    turn: vec4<f32>,
    // The code of the brightest light; white's over it; where compression begins; white in candela per square metre.
    tone: vec4<f32>,
    // What the lesser and the greater byte of a code count; by how many halvings chroma is smaller.
    code: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> picture: FilmPicture;
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var luma: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(2) var blue: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(3) var red: texture_2d<f32>;

struct Corners {
    low: vec2<i32>,
    high: vec2<i32>,
    part: vec2<f32>,
}

// The four pixels around a place, given in pixels with 0.5 in the middle of the first one.
fn around(place: vec2<f32>, size: vec2<u32>) -> Corners {
    let corner = place - 0.5;
    let low = floor(corner);
    let last = vec2<i32>(size) - 1;
    return Corners(clamp(vec2<i32>(low), vec2(0), last), clamp(vec2<i32>(low) + 1, vec2(0), last), corner - low);
}

fn mixed(plane: texture_2d<f32>, level: i32, c: Corners) -> f32 {
    let upper = mix(textureLoad(plane, c.low, level).rg, textureLoad(plane, vec2(c.high.x, c.low.y), level).rg, c.part.x);
    let lower = mix(textureLoad(plane, vec2(c.low.x, c.high.y), level).rg, textureLoad(plane, c.high, level).rg, c.part.x);
    return dot(mix(upper, lower, c.part.y), picture.code.xy);
}

// What is left of a size. Not asked of the texture: where the level differs from pixel to pixel, some software drivers answer with their neighbour's.
fn halved(size: vec2<u32>, level: i32) -> vec2<u32> {
    return max(size >> vec2(u32(level)), vec2(1u));
}

// Luma and the two of chroma at a place in luma pixels, from copies that were halved so many times. Chroma has fewer pixels, so its copy is a larger one.
fn codes_at(place: vec2<f32>, level: i32) -> vec4<f32> {
    let chroma_level = max(level - i32(picture.code.z), 0);
    let luma_size = halved(textureDimensions(luma), level);
    let chroma_size = halved(textureDimensions(blue), chroma_level);
    let chroma_place = (place + picture.chroma.zw) * picture.chroma.xy;
    let y = around(place * vec2<f32>(luma_size) / vec2<f32>(textureDimensions(luma)), luma_size);
    let c = around(chroma_place * vec2<f32>(chroma_size) / vec2<f32>(textureDimensions(blue)), chroma_size);
    return vec4(mixed(luma, level, y), mixed(blue, chroma_level, c), mixed(red, chroma_level, c), 1.0);
}

// SMPTE ST 2084, in candela per square metre.
const M1: f32 = 0.1593017578125;
const M2: f32 = 78.84375;
const C1: f32 = 0.8359375;
const C2: f32 = 18.8515625;
const C3: f32 = 18.6875;

fn quantised_to_nits(code: vec3<f32>) -> vec3<f32> {
    let power = pow(code, vec3(1.0 / M2));
    return 10000.0 * pow(max(power - C1, vec3(0.0)) / (C2 - C3 * power), vec3(1.0 / M1));
}

fn nits_to_quantised(nits: f32) -> f32 {
    let power = pow(nits / 10000.0, M1);
    return pow((C1 + C2 * power) / (1.0 + C3 * power), M2);
}

// BT.2100's hybrid log-gamma on its display of 1000 candela per square metre.
fn log_gamma_to_nits(code: vec3<f32>) -> vec3<f32> {
    let bright = (exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12.0;
    let scene = select(bright, code * code / 3.0, code <= vec3(0.5));
    let luminance = dot(scene, vec3(0.2627, 0.678, 0.0593));
    return 1000.0 * pow(max(luminance, 0.0), 0.2) * scene;
}

// ITU-R BT.2390: the brightest of the three decides, so that hues stay. 1 is white.
fn compressed(nits: vec3<f32>) -> vec3<f32> {
    let most = max(max(nits.r, nits.g), max(nits.b, 0.0001));
    let code = min(nits_to_quantised(most) / picture.tone.x, 1.0);
    let knee = picture.tone.z;
    let t = max(code - knee, 0.0) / max(1.0 - knee, 0.0001);
    let curve = (2.0 * t * t * t - 3.0 * t * t + 1.0) * knee + (t * t * t - 2.0 * t * t + t) * (1.0 - knee)
        + (3.0 * t * t - 2.0 * t * t * t) * picture.tone.y;
    let shown = quantised_to_nits(vec3(select(curve, code, code <= knee) * picture.tone.x)).r;
    return nits * (shown / most / picture.tone.w);
}

// What the film's display shows for these codes, as linear light.
fn light_of(codes: vec4<f32>) -> vec3<f32> {
    let rgb = clamp(vec3(dot(picture.rows[0], codes), dot(picture.rows[1], codes), dot(picture.rows[2], codes)), vec3(0.0), vec3(1.0));
#ifdef PQ
    let light = compressed(quantised_to_nits(rgb));
#else ifdef HLG
    let light = compressed(log_gamma_to_nits(rgb));
#else
    // The target encodes to sRGB; what goes in is decoded from it, so that the film's own values come out.
    let light = select(pow((rgb + 0.055) / 1.055, vec3(2.4)), rgb / 12.92, rgb <= vec3(0.04045));
#endif
    let gamut = picture.gamut;
    return clamp(vec3(dot(gamut[0].xyz, light), dot(gamut[1].xyz, light), dot(gamut[2].xyz, light)), vec3(0.0), vec3(1.0));
}

// At most so many places are read for a pixel.
const PLACES: f32 = 8.0;

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let middle = in.uv - 0.5;
    let uv = vec2(dot(picture.turn.xy, middle), dot(picture.turn.zw, middle)) + 0.5;
    let place = uv * vec2<f32>(textureDimensions(luma));
    // Pixels of the film that one of the window covers, one way and the other.
    let across = dpdx(place);
    let down = dpdy(place);
    let last = f32(textureNumLevels(luma)) - 1.0;
#ifdef HIGH
    let is_across_longer = dot(across, across) > dot(down, down);
    let axis = select(down, across, is_across_longer);
    let long = max(length(axis), 1.0);
    let short = max(length(select(across, down, is_across_longer)), 1.0);
    let places = min(ceil(long / short), PLACES);
    // A little smoother than the size says, where the planes themselves are no longer read alone: the finest lines would still shimmer.
    let fit = log2(max(short, long / PLACES));
    let level = clamp(min(2.0 * fit, fit + 0.5), 0.0, last);
    let lower = i32(level);
    let part = level - f32(lower);
    var light = vec3(0.0);
    for (var i = 0.0; i < places; i += 1.0) {
        let at = place + axis * ((i + 0.5) / places - 0.5) * (1.0 - short / long);
        var codes = codes_at(at, lower);
        if part > 0.0 {
            codes = mix(codes, codes_at(at, min(lower + 1, i32(last))), part);
        }
        light += light_of(codes);
    }
    return vec4(light / places, 1.0);
#else
    // Between what is long and what is short.
    let level = clamp(0.25 * log2(max(dot(across, across), 1.0) * max(dot(down, down), 1.0)), 0.0, last);
    return vec4(light_of(codes_at(place, i32(level + 0.5))), 1.0);
#endif
}
