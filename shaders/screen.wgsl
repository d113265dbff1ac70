// The film's picture: three planes of 8-bit codes become light, exactly. Planes are read with `textureLoad` and mixed by hand, because hardware filters 8-bit
// textures in 8-bit steps on some machines. With HIGH four places of each pixel are read, so that the picture does not shimmer from afar.

#import bevy_pbr::forward_io::VertexOutput

struct FilmPicture {
    // R', G', B': factors of Y', Cb, Cr and the constant.
    rows: array<vec4<f32>, 3>,
    // Chroma pixels for one luma pixel, across and down; luma pixels by which chroma is shifted to the left; unused.
    chroma: vec4<f32>,
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

fn mixed(plane: texture_2d<f32>, c: Corners) -> f32 {
    let upper = mix(textureLoad(plane, c.low, 0).r, textureLoad(plane, vec2(c.high.x, c.low.y), 0).r, c.part.x);
    let lower = mix(textureLoad(plane, vec2(c.low.x, c.high.y), 0).r, textureLoad(plane, c.high, 0).r, c.part.x);
    return mix(upper, lower, c.part.y);
}

// What the film's display shows at a place in luma pixels, as linear light.
fn light_at(place: vec2<f32>) -> vec3<f32> {
    let y = mixed(luma, around(place, textureDimensions(luma)));
    let chroma = around((place + vec2(picture.chroma.z, 0.0)) * picture.chroma.xy, textureDimensions(blue));
    let codes = vec4(y, mixed(blue, chroma), mixed(red, chroma), 1.0);
    let rgb = clamp(vec3(dot(picture.rows[0], codes), dot(picture.rows[1], codes), dot(picture.rows[2], codes)), vec3(0.0), vec3(1.0));
    // The target encodes to sRGB; what goes in is decoded from it, so that the film's own values come out.
    return select(pow((rgb + 0.055) / 1.055, vec3(2.4)), rgb / 12.92, rgb <= vec3(0.04045));
}

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let place = in.uv * vec2<f32>(textureDimensions(luma));
#ifdef HIGH
    let across = dpdx(place);
    let down = dpdy(place);
    // Where a pixel of the film covers one of the window or more, all four places are the same one: nothing is blurred.
    let wide = 0.25 * clamp(max(length(across), length(down)) - 1.0, 0.0, 1.0);
    var light = light_at(place + (across + 0.5 * down) * wide) + light_at(place - (across + 0.5 * down) * wide);
    light += light_at(place + (down - 0.5 * across) * wide) + light_at(place - (down - 0.5 * across) * wide);
    return vec4(light * 0.25, 1.0);
#else
    return vec4(light_at(place), 1.0);
#endif
}
