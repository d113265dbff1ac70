// What everything in the hall does with light before it is seen.

#define_import_path houselights::light

// Highlights roll off softly, keeping their hue; and half a step of noise in the display's own scale keeps dark gradients free of bands.
fn developed(colour: vec3<f32>, clip: vec2<f32>) -> vec3<f32> {
    let most = max(max(colour.r, colour.g), max(colour.b, 1e-5));
    let soft = 1.0 / (0.8 + 0.6 * most);
    let noise = fract(52.9829189 * fract(dot(clip, vec2<f32>(0.06711056, 0.00583715)))) - 0.5;
    return colour * max(soft + noise * soft * (2.0 / 255.0) * inverseSqrt(most * soft), 0.0);
}
