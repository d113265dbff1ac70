// Subtitles over the film's picture: sRGB codes multiplied by alpha become light multiplied by alpha, so that they are as bright as they were meant.

#import bevy_pbr::forward_io::VertexOutput

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var text: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var between: sampler;

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let codes = textureSample(text, between, in.uv);
    let rgb = clamp(codes.rgb / max(codes.a, 1.0 / 1024.0), vec3(0.0), vec3(1.0));
    let light = select(pow((rgb + 0.055) / 1.055, vec3(2.4)), rgb / 12.92, rgb <= vec3(0.04045));
    return vec4(light * codes.a, codes.a);
}
